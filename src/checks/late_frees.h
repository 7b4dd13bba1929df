// SPDX-License-Identifier: MIT
//
// Late frees: blocks that come back where no slow path may be taken, in a signal handler that has
// interrupted one, or in a thread that must not wait for a fork or a report any longer. They are
// the program's no more, and are retired with the next block that is freed.

#pragma once

#include <atomic>
#include <cstdint>

#include "src/checks/block_record.h"

namespace tarn {

/// Linked through two members of their records that say nothing yet. Thread safety: any thread, any
/// signal handler; lock-free.
class LateFrees {
public:
    /// Requires: the caller has claimed the block.
    void put(const CheckedPlace& place)
    {
        std::uintptr_t before = newest_.load(std::memory_order_relaxed);
        do
            set_next(*place.record, before);
        while (!newest_.compare_exchange_weak(before, place.start(), std::memory_order_release));
    }

    bool are_there() const { return newest_.load(std::memory_order_relaxed) != 0; }

    /// Takes all, and calls `use` with each, the newest first.
    template <class Use> void take_all(Use use)
    {
        std::uintptr_t start = newest_.exchange(0, std::memory_order_acquire);
        while (start != 0) {
            const CheckedPlace place = records.at(reinterpret_cast<const void*>(start));
            if (!place) return; // never: its record was there when it was put
            start = next_of(*place.record);
            use(place);
        }
    }

private:
    // Blocks begin at multiples of 16, and addresses have 48 bits or, rarely, 57.
    static void set_next(BlockRecord& record, std::uintptr_t start)
    {
        record.freed_at = static_cast<std::uint32_t>(start >> 4);
        record.freed_when = static_cast<std::uint32_t>(start >> 36);
    }
    static std::uintptr_t next_of(const BlockRecord& record)
    {
        return std::uintptr_t{record.freed_at} << 4 | std::uintptr_t{record.freed_when} << 36;
    }

    std::atomic<std::uintptr_t> newest_{0}; // `start` of a block; 0: none
};

} // namespace tarn
