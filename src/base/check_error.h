// SPDX-License-Identifier: MIT
//
// What a check has found: everything that a report says, so that whoever writes it need not know
// the heap.

#pragma once

#include <cstddef>
#include <cstdint>

#include "src/base/block_checks.h"

namespace tarn {

enum class CheckFault : std::uint8_t {
    overflow,        // bytes behind a block were written
    underflow,       // bytes in front of it
    use_after_free,  // bytes of a freed block were written
    double_free,     // of a block that was freed before
    invalid_free,    // of what is no block
    wrong_kind,      // free of what new gave, and the like
    wrong_size,      // a sized delete with another size
    wrong_alignment, // an aligned delete of a block that is not, or the reverse
    resize_freed,    // realloc of a block that was freed before
    resize_invalid,  // realloc of what is no block
    impossible_size, // more than any object can have
    bad_access,      // of memory that is no one's, see `address`
    stale_pointer,   // of what a pointer leads to that was read from a freed block
    unset_pointer,   // likewise, from a new block that nobody has written to
    stack_overflow,  // of what is below a thread's stack
};

/// What an instruction that was stopped was about to do; none: it was found out later.
enum class AccessKind : std::uint8_t { none, unknown, read, write, execute };

/// A block as the checks remember it. Stacks are numbers of the tracer's; 0: not known.
struct CheckedBlock {
    std::uintptr_t start = 0; // as the program knows it; 0: none
    std::size_t size = 0;     // asked for
    std::size_t alignment = 0;
    BlockKind kind = BlockKind::malloc;
    bool is_freed = false;
    std::uint32_t allocated_at = 0; // stack
    std::uint32_t freed_at = 0;
    std::uint32_t allocated_by = 0; // number of the thread, the first one is 0
    std::uint32_t freed_by = 0;
    std::uint64_t freed_ago = 0; // milliseconds
};

/// Number of no thread.
inline constexpr std::uint32_t kNoThread = ~std::uint32_t{0};

struct CheckError {
    CheckFault fault;
    std::uintptr_t address; // that was given or written to
    CheckedBlock block = {};
    std::uint32_t here = 0;       // stack of who noticed; 0: not known
    std::uint32_t noticed_by = 0; // number of the thread
    /// When it was noticed, as the end of "noticed ...": where the program is not to blame.
    const char* occasion = nullptr;
    // What the program said.
    BlockKind kind = BlockKind::malloc;
    bool is_resize = false; // that kind by way of realloc
    std::size_t size = 0;
    std::size_t alignment = 0;
    std::size_t count = 1; // objects of `size` bytes, see impossible_size
    /// Bytes that are not as they were left.
    std::uintptr_t changed = 0;
    std::size_t changed_size = 0;
    std::uint8_t expected = 0; // what the first of them was
    bool may_go_on = false;    // they reach as far as can be seen
    /// Of an instruction that was stopped.
    AccessKind access = AccessKind::none;
    std::uintptr_t instruction = 0;
    bool has_address = true; // not if it was none that an address can be
    bool is_bus_error = false;
    std::uint64_t pointer = 0; // see stale_pointer
    const char* pointer_register = nullptr;
    bool is_pointer_in_memory = false;  // where that register points
    std::uint32_t stack_of = kNoThread; // thread on whose stack `address` is
    // What lies around it.
    CheckedBlock before = {};
    CheckedBlock after = {};
};

} // namespace tarn
