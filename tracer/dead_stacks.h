// SPDX-License-Identifier: MIT
//
// Stacks of threads that have ended. libc keeps them for the next threads, with all that was on
// them; what only these still point to is lost.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "src/base/heap_view.h"

namespace tarn {

/// Remembers the last thousand. Thread safety: any. Cost: two stores for each thread that ends.
class DeadStacks {
public:
    /// `tls_block`: what libc keeps for the next thread together with the stack, see tls_block().
    void add(const void* address_on_it, std::uintptr_t tls_block)
    {
        Entry& entry = entries_[next_.fetch_add(1, std::memory_order_relaxed) % entries_.size()];
        entry.tls_block.store(tls_block, std::memory_order_relaxed);
        entry.point.store(reinterpret_cast<std::uintptr_t>(address_on_it),
                          std::memory_order_relaxed);
    }

    /// Calls `use` with the tls_block of each of them in `range`; returns whether there is any.
    template <class Use> bool for_each_in(MemoryRange range, Use use) const
    {
        bool found = false;
        for (const Entry& entry : entries_) {
            if (!range.contains(entry.point.load(std::memory_order_relaxed))) continue;
            use(entry.tls_block.load(std::memory_order_relaxed));
            found = true;
        }
        return found;
    }

private:
    struct Entry {
        std::atomic<std::uintptr_t> point{0};
        std::atomic<std::uintptr_t> tls_block{0};
    };

    std::array<Entry, 1024> entries_{};
    std::atomic<std::size_t> next_{0};
};

inline constinit DeadStacks dead_stacks;

} // namespace tarn
