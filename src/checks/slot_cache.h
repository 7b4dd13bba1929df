// SPDX-License-Identifier: MIT
//
// Slot cache: the slots that a heap has at hand, in arrays beside the heap, so that no free slot
// holds a link that the program could overwrite.
//
//      freed ──> waiting: a ring ──> one of its older half, at random ──> ready ──> one at random
//
// A slot is not handed out again before half a ring of others has been freed, and nobody can tell
// which one comes next. Source: hardened_malloc's slab quarantine and slot randomisation
// (README.md there), here in one ring.

#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "src/base/units.h"
#include "src/checks/slot_record.h"
#include "src/heap/heap.h"
#include "src/heap/size_class.h"

namespace tarn {

/// Slots of one class. Counts are written by who has the heap and read by anyone.
class SlotShelf {
public:
    /// Slots that wait, and that are ready, at most. Larger ones than 16 KiB do neither: of a
    /// thread that has used all classes the others hold 1.5 MiB.
    static constexpr std::uint32_t kMostWaiting = 32;
    static constexpr std::uint32_t kMostReady = 16;
    static constexpr std::uint32_t most_waiting(SizeClass size_class)
    {
        return kMostOf[index_of(size_class)];
    }

    std::uint32_t ready() const { return ready_.load(std::memory_order_relaxed); }
    std::uint32_t waiting() const { return waiting_.load(std::memory_order_relaxed); }

    /// Requires: fewer than kMostReady are ready.
    void add_ready(const Slot& slot)
    {
        const std::uint32_t count = ready();
        ready_slots_[count] = slot;
        ready_.store(count + 1, std::memory_order_relaxed);
    }

    /// Requires: there is one. `random`: any 32 bits.
    Slot take_ready(std::uint32_t random)
    {
        const std::uint32_t count = ready();
        Slot& chosen = ready_slots_[below(random, count)];
        const Slot slot = chosen;
        chosen = ready_slots_[count - 1];
        ready_.store(count - 1, std::memory_order_relaxed);
        return slot;
    }

    /// Takes a slot in that was freed. Returns the one that has waited enough for it; none: there
    /// was still room.
    Slot wait(const Slot& slot, std::uint32_t most, std::uint32_t random)
    {
        const std::uint32_t count = waiting();
        Slot& last = waiting_slots_[(first_ + count) % kMostWaiting];
        if (count < most) [[unlikely]] {
            last = slot;
            waiting_.store(count + 1, std::memory_order_relaxed);
            return {};
        }
        Slot& oldest = waiting_slots_[first_ % kMostWaiting];
        Slot& chosen = waiting_slots_[(first_ + below(random, (most + 1) / 2)) % kMostWaiting];
        const Slot old = chosen;
        chosen = oldest;
        last = slot; // the place of the oldest, if all are taken
        ++first_;
        return old;
    }

    /// The slot that has waited longest; none: there is none.
    Slot take_waiting()
    {
        const std::uint32_t count = waiting();
        if (count == 0) return {};
        waiting_.store(count - 1, std::memory_order_relaxed);
        return waiting_slots_[first_++ % kMostWaiting];
    }

private:
    static constexpr auto kMostOf = [] {
        std::array<std::uint8_t, kSizeClassCount> most{};
        for (std::size_t index = 0; index < kSizeClassCount; ++index) {
            const std::size_t size = block_size(static_cast<SizeClass>(index));
            most[index] = static_cast<std::uint8_t>(
                std::bit_floor(std::min(KiB(16) / size, std::size_t{kMostWaiting})));
        }
        return most;
    }();

    static std::uint32_t below(std::uint32_t random, std::uint32_t bound)
    {
        return static_cast<std::uint32_t>(std::uint64_t{random} * bound >> 32U);
    }

    std::atomic<std::uint32_t> ready_;
    std::atomic<std::uint32_t> waiting_;
    std::uint32_t first_; // of waiting_slots_; counts up
    std::array<Slot, kMostReady> ready_slots_;
    std::array<Slot, kMostWaiting> waiting_slots_;
};

/// One for each heap, with which it stays when its thread ends. All zero but for the seed.
class SlotCache {
public:
    SlotShelf& shelf(SizeClass size_class) { return shelves_[index_of(size_class)]; }
    const SlotShelf& shelf(SizeClass size_class) const { return shelves_[index_of(size_class)]; }

    /// Source: Marsaglia, "Xorshift RNGs" (2003). Its seed is the kernel's; who can read 64 of its
    /// results could tell the next, but no result ever reaches the program.
    std::uint32_t random()
    {
        seed_ ^= seed_ << 13U;
        seed_ ^= seed_ >> 7U;
        seed_ ^= seed_ << 17U;
        return static_cast<std::uint32_t>(seed_ >> 32U);
    }

    /// Slots that the program has given back and the heap does not know to be free.
    std::size_t held() const;

    static SlotCache* create();

private:
    std::uint64_t seed_ = 0;
    std::array<SlotShelf, kSizeClassCount> shelves_;
};

/// The cache of a heap, made at its first use. Requires: the calling thread has the heap.
/// Errors: nullptr, no memory.
SlotCache* make_slot_cache(Heap& heap);
inline SlotCache* slot_cache_of(Heap& heap)
{
    SlotCache* const cache = heap.slots.load(std::memory_order_relaxed);
    return cache != nullptr ? cache : make_slot_cache(heap);
}

/// Slots in all caches.
std::size_t slots_held();

} // namespace tarn
