// SPDX-License-Identifier: MIT
//
// What a reader of the whole heap, such as the leak report, asks of the allocator: function
// pointers that preload connects, so that the tracer need not know the heap.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tarn {

/// Memory from `start` up to, not including, `end`.
struct MemoryRange {
    std::uintptr_t start;
    std::uintptr_t end;

    std::size_t size() const { return end - start; }
    bool contains(std::uintptr_t address) const { return address >= start && address < end; }
};

/// A block that the program holds; `size` is what it asked for, or, where that is not known, what
/// it may use, which is not less.
struct LiveBlock {
    std::uintptr_t start;
    std::size_t size;        // bytes
    std::uint32_t trace = 0; // see BlockNote; 0: not known
    std::uint32_t born = 0;  // likewise
};

using BlockVisitor = void (*)(void* context, LiveBlock block);

struct HeapTotals {
    std::uint64_t allocations; // calls so far
    std::uint64_t frees;
    std::uint64_t rounding; // bytes of blocks in slabs beyond what was asked for, an estimate
};

/// A block of a slab that was handed out once: the program holds it, or it is ready in a thread's
/// cache, or free.
struct SlabBlock {
    enum class State : std::uint8_t { live, cached, free };

    std::uint32_t size;  // of a live one, as in LiveBlock
    std::uint32_t trace; // likewise
    State state;
};

/// Memory of the pools that is cut into blocks of one size, from its start on.
struct SlabView {
    MemoryRange memory;
    std::size_t block_size;
    std::size_t capacity; // blocks
    std::span<const SlabBlock> blocks;
};

using SlabVisitor = void (*)(void* context, const SlabView& slab);

/// What the allocator has memory for.
enum class MemoryUse : std::uint8_t {
    pools,   // from the first slab to the last
    large,   // blocks that are in no slab, in use or not, where it is not known which are
    kept,    // free, to be used again
    records, // of the allocator
    notes,   // of what is remembered of each block
    thread   // somewhere in the TLS of a thread, and so on its stack's mapping
};

using MemoryVisitor = void (*)(void* context, MemoryRange range, MemoryUse use);

/// How often memory was short, or something was done about it, and when first, in milliseconds of
/// os::clock_milliseconds().
struct PressureEvent {
    std::uint64_t count = 0;
    std::uint64_t first_at = 0;
};

struct Pressure {
    PressureEvent failures;   // calls that were answered by ENOMEM
    PressureEvent limit;      // memory that limit= did not allow to be taken
    PressureEvent system;     // memory that the system did not give
    PressureEvent trims;      // calls of malloc_trim()
    PressureEvent drainings;  // size classes of which most blocks lay free
    std::uint64_t most_bytes; // that limit= allows; 0: it is not set
};

struct HeapView {
    /// Keeps every other thread out of the allocator's slow paths until release(). Errors: false,
    /// after a second a thread has not come out of one; nothing is held.
    bool (*hold)();
    void (*release)();

    /// Calls `visit` for each block in use, those of the pools first and in order of address.
    /// Requires: hold(), and that no thread is on a fast path. Errors: false, no memory.
    bool (*for_each_live)(BlockVisitor visit, void* context);

    /// Memory of the allocator itself, which says nothing about what the program can reach.
    /// Returns how many ranges were written.
    std::size_t (*own_memory)(std::span<MemoryRange> ranges);

    HeapTotals (*totals)();

    /// Calls `visit` for each slab, in order of address, and `visit_large` for each large block.
    /// Requirements and errors: as for_each_live().
    bool (*for_each_slab)(SlabVisitor visit, BlockVisitor visit_large, void* context) = nullptr;

    /// Calls `visit` for each range of memory that the allocator has, blocks of visit_large() left
    /// out. Requires: hold().
    void (*for_each_memory)(MemoryVisitor visit, void* context) = nullptr;

    Pressure (*pressure)() = nullptr;
};

} // namespace tarn
