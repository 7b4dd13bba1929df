// SPDX-License-Identifier: MIT
//
// Extent table: the address ranges that a back end has taken from the system.
//
// With it a back end can tell whether a pointer is its own, which jemalloc itself cannot: asked
// about a pointer of somebody else's, it crashes. Back ends take few and large extents, so the
// table stays short: a hundred for a terabyte.

#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "src/base/heap_view.h"

namespace tarn {

/// Append-only. Thread safety: any number of readers beside one writer, who holds a lock of its
/// own. Cost: one comparison per extent.
class ExtentTable {
public:
    /// Errors: false when the table is full; the extent must then not be used.
    bool add(const void* start, std::size_t size)
    {
        const std::size_t count = count_.load(std::memory_order_relaxed);
        const auto first = reinterpret_cast<std::uintptr_t>(start);
        // The kernel mostly maps right below what it mapped last: growing that keeps the table
        // short.
        if (count != 0 && last(count).end.load(std::memory_order_relaxed) == first) {
            last(count).end.store(first + size, std::memory_order_release);
            return true;
        }
        if (count != 0 && last(count).start.load(std::memory_order_relaxed) == first + size) {
            last(count).start.store(first, std::memory_order_release);
            return true;
        }
        if (count == extents_.size()) return false;
        extents_[count].start.store(first, std::memory_order_relaxed);
        extents_[count].end.store(first + size, std::memory_order_relaxed);
        count_.store(count + 1, std::memory_order_release);
        return true;
    }

    bool contains(const void* address) const
    {
        const auto at = reinterpret_cast<std::uintptr_t>(address);
        const std::size_t count = count_.load(std::memory_order_acquire);
        for (const Extent* extent = extents_.data(); extent != extents_.data() + count; ++extent)
            if (at >= extent->start.load(std::memory_order_relaxed) &&
                at < extent->end.load(std::memory_order_relaxed))
                return true;
        return false;
    }

    /// Returns how many were written.
    std::size_t list(std::span<MemoryRange> ranges) const
    {
        const std::size_t count = std::min(count_.load(std::memory_order_acquire), ranges.size());
        for (std::size_t i = 0; i < count; ++i)
            ranges[i] = {extents_[i].start.load(std::memory_order_relaxed),
                         extents_[i].end.load(std::memory_order_relaxed)};
        return count;
    }

private:
    struct Extent {
        std::atomic<std::uintptr_t> start{0};
        std::atomic<std::uintptr_t> end{0};
    };
    Extent& last(std::size_t count) { return extents_[count - 1]; }

    std::array<Extent, 4096> extents_{};
    std::atomic<std::size_t> count_{0};
};

} // namespace tarn
