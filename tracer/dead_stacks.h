// SPDX-License-Identifier: MIT
//
// Stacks of threads that have ended. libc keeps them for the next threads, with all that was on
// them; what only these still point to is lost.

#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "src/base/heap_view.h"

namespace tarn {

/// Remembers the last thousand. Thread safety: any. Cost: three stores for each thread that ends.
class DeadStacks {
public:
    /// `thread`: its thread pointer, which lies above its stack. `tls_block`: what libc keeps
    /// together with the stack, see tls_block().
    void add(const void* address_on_it, const void* thread, std::uintptr_t tls_block)
    {
        Entry& entry = entries_[next_.fetch_add(1, std::memory_order_relaxed) % entries_.size()];
        entry.tls_block.store(tls_block, std::memory_order_relaxed);
        entry.thread.store(reinterpret_cast<std::uintptr_t>(thread), std::memory_order_relaxed);
        entry.point.store(reinterpret_cast<std::uintptr_t>(address_on_it),
                          std::memory_order_relaxed);
    }

    /// Where the dead stack ends that begins `range`, 0 if there is none. Calls `use` with the
    /// tls_block of each.
    template <class Use> std::uintptr_t end_of_those_in(MemoryRange range, Use use) const
    {
        std::uintptr_t end = 0;
        for (const Entry& entry : entries_) {
            const std::uintptr_t point = entry.point.load(std::memory_order_relaxed);
            const std::uintptr_t thread = entry.thread.load(std::memory_order_relaxed);
            if (!range.contains(point) || !range.contains(thread + kHeader)) continue;
            // Something else lies there by now: libc's block begins with its own address.
            if (*reinterpret_cast<const std::uintptr_t*>(thread) != thread) continue;
            use(entry.tls_block.load(std::memory_order_relaxed));
            end = std::max(end, thread);
        }
        return end;
    }

private:
    static constexpr std::size_t kHeader = 64;

    struct Entry {
        std::atomic<std::uintptr_t> point{0};
        std::atomic<std::uintptr_t> thread{0};
        std::atomic<std::uintptr_t> tls_block{0};
    };

    std::array<Entry, 1024> entries_{};
    std::atomic<std::size_t> next_{0};
};

inline constinit DeadStacks dead_stacks;

} // namespace tarn
