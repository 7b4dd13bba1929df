// SPDX-License-Identifier: MIT
//
// Slot cache: the slots that a heap has at hand, in arrays beside the heap, so that no free slot
// holds a link that the program could overwrite.
//
//      freed ──> the young ones wait ──> of the older ones, one at random ──> malloc
//                                                 new ones of the heap ──^
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

/// Slots of one class, from the oldest to the youngest. The count is written by who has the heap
/// and read by anyone. All zero it is one that holds nothing and needs limits.
class SlotShelf {
public:
    /// Of the small classes; larger ones have fewer of everything, and slots above 16 KiB have no
    /// shelf: of a thread that has used all classes the shelves hold 1.1 MiB at most.
    static constexpr std::uint32_t kMostYoung = 16;  // freed last, not to be handed out
    static constexpr std::uint32_t kLeastChoice = 8; // from so many one is chosen
    static constexpr std::uint32_t kMost = 48;       // all in all

    static constexpr bool is_for(SizeClass size_class)
    {
        return block_size(size_class) <= kLargest;
    }
    /// Once, before its first slot. Requires: is_for() the class.
    void set_limits(SizeClass size_class)
    {
        const auto size = static_cast<std::uint32_t>(block_size(size_class));
        const std::uint32_t share = std::bit_floor(std::min(kLargest / size, 2 * kMostYoung));
        most_young_ = (share + 1) / 2;
        too_few_ = std::max(share / 4, 1U) - 1;
        most_ = share + most_young_;
    }

    std::uint32_t count() const { return count_.load(std::memory_order_relaxed); }
    /// Slots that may be handed out.
    std::uint32_t choice() const { return count() - young_; }
    bool needs_more() const { return choice() <= too_few_; }
    bool is_full() const { return count() >= most_; }
    bool has_limits() const { return most_ != 0; }
    std::uint32_t least_choice() const { return too_few_ + 1; }

    /// A slot that was freed. Requires: the shelf is not full.
    void put(const Slot& slot)
    {
        const std::uint32_t count = this->count();
        slot_at(first_ + count) = slot;
        count_.store(count + 1, std::memory_order_relaxed);
        if (young_ < most_young_) [[unlikely]]
            ++young_;
    }
    /// A slot that the program has never had, or not for long: one of the oldest.
    /// Requires: needs_more().
    void put_new(const Slot& slot)
    {
        slot_at(--first_) = slot;
        count_.store(count() + 1, std::memory_order_relaxed);
    }
    /// `random`: any 32 bits. Requires: there is a choice.
    Slot take(std::uint32_t random)
    {
        Slot& oldest = slot_at(first_);
        Slot& chosen = slot_at(first_ + below(random, choice()));
        const Slot slot = chosen;
        chosen = oldest;
        ++first_;
        count_.store(count() - 1, std::memory_order_relaxed);
        return slot;
    }
    /// Also a young one; none: there is none.
    Slot take_oldest()
    {
        if (count() == 0) return {};
        if (choice() == 0) --young_;
        return take(0);
    }

private:
    static constexpr std::uint32_t kLargest = KiB(16);
    static constexpr std::uint32_t kRing = 64; // a power of two, for the sake of its arithmetic
    static_assert(kMost < kRing);

    Slot& slot_at(std::uint32_t place) { return slots_[place % kRing]; }

    static std::uint32_t below(std::uint32_t random, std::uint32_t bound)
    {
        return static_cast<std::uint32_t>(std::uint64_t{random} * bound >> 32U);
    }

    std::atomic<std::uint32_t> count_;
    std::uint32_t young_;
    std::uint32_t first_; // of slots_, modulo kRing
    std::uint32_t most_young_;
    std::uint32_t too_few_; // of which none is chosen
    std::uint32_t most_;    // 0: no limits yet
    std::array<Slot, kRing> slots_;
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
