// SPDX-License-Identifier: MIT
//
// What a mode that checks every block gives the heap: function pointers that preload connects, so
// that the heap need not know what is checked.

#pragma once

#include <cstddef>
#include <cstdint>

#include "src/base/heap_view.h"

namespace tarn {

/// Which functions a block comes from and has to go back to.
enum class BlockKind : std::uint8_t {
    malloc, // and all of its kin: free
    single, // operator new: operator delete
    array,  // operator new[]: operator delete[]
};

struct BlockRequest {
    std::size_t size;      // bytes
    std::size_t alignment; // a power of two, at least kMinAlignment
    bool is_zeroed;
};

/// How a block comes back; the operators of C++ say more, see CppForm.
struct BlockReturn {
    void* block;
    BlockKind kind; // array: see CppForm
};

/// What an operator of C++, or realloc, knows and those that it calls do not: set around the call.
struct CppForm {
    bool is_new;            // the allocation is operator new's own
    bool is_array;          // the form was new[] or delete[]
    std::size_t size;       // of a sized delete; 0: not said
    std::size_t alignment;  // of an aligned one; 0: not said
    bool is_resize = false; // the free is realloc's own
};
[[gnu::tls_model("initial-exec")]] inline constinit thread_local CppForm cpp_form{};

/// Says of the frees in its life that they are realloc's.
class Resizing {
public:
    Resizing() { cpp_form.is_resize = true; }
    Resizing(const Resizing&) = delete;
    Resizing& operator=(const Resizing&) = delete;
    ~Resizing() { cpp_form.is_resize = false; }
};

/// The alignment that the program asks for by name, where that is kMinAlignment or less; 0: it has
/// called malloc, whose promise guarded blocks do not always keep.
[[gnu::tls_model("initial-exec")]] inline constinit thread_local std::size_t asked_alignment = 0;

/// All of these but the first two are called on slow paths, see Observer, and return what the
/// functions of libc do.
struct BlockChecks {
    /// What calls of the program's come to, on no slow path yet: it is taken there.
    /// Errors: nullptr with errno ENOMEM.
    void* (*enter_allocate)(std::size_t size, std::size_t alignment);
    /// Told of a request for so many objects of so many bytes, which no memory can hold.
    void (*refused)(std::size_t count, std::size_t size);
    /// `block` is not null.
    void (*enter_deallocate)(void* block, BlockKind kind);
    /// Once, before the first block, when the heap knows its memory.
    void (*start)();
    /// Errors: nullptr.
    void* (*allocate)(const BlockRequest& request);
    void (*deallocate)(const BlockReturn& given);
    /// Whether it can be one that the heap does not know of.
    bool (*owns)(const void* block);
    /// `block` is not null. Errors: nullptr, the block is as before.
    void* (*reallocate)(void* block, std::size_t size);
    /// 0: it is nobody's.
    std::size_t (*usable_size)(const void* block);
    /// As far as it can be known on no slow path, where a lock may be the calling thread's; else 0.
    std::size_t (*usable_size_outside)(const void* block);
    /// The program's part of the heap's `block`. False: the program does not have it.
    bool (*find_live)(LiveBlock& block);
    /// Calls `visit` for each block that the program has and the heap does not know of.
    void (*for_each_apart)(BlockVisitor visit, void* context);
    /// Memory of its own. Returns how many ranges were written.
    std::size_t (*own_memory)(MemoryRange* ranges, std::size_t most);
};

} // namespace tarn
