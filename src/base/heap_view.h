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
};

} // namespace tarn
