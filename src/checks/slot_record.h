// SPDX-License-Identifier: MIT
//
// What a hardened heap remembers of each slot of the pools: four bytes, beside the heap.
//
//      slot │ the program's bytes │ canary │
//           start                 + size   + at least 8

#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "src/base/block_checks.h"
#include "src/heap/granule_array.h"
#include "src/heap/size_class.h"
#include "src/heap/slab_shape.h"

namespace tarn {

enum class SlotState : std::uint32_t {
    unused, // the heap has it, or it has just come from there
    live,
    waiting, // in quarantine; all that the program had of it is zero
};

struct SlotRecord {
    std::uint32_t size : 20; // bytes asked for
    std::uint32_t alignment_shift : 5;
    BlockKind kind : 2;
    SlotState state : 2;
    std::uint32_t unused : 3;

    void set_size(std::size_t bytes) { size = static_cast<std::uint32_t>(bytes) & 0xFFFFFU; }
};
static_assert(sizeof(SlotRecord) == 4);
static_assert(kMaxPooledSize <= std::size_t{1} << 20, "with its canary a block is smaller");

/// A slot and its record.
struct Slot {
    std::atomic<std::uint32_t>* record = nullptr; // null: no slot begins there
    std::uintptr_t start = 0;

    explicit operator bool() const { return record != nullptr; }
    void* block() const { return reinterpret_cast<void*>(start); }
    SlotRecord load() const
    {
        return std::bit_cast<SlotRecord>(record->load(std::memory_order_relaxed));
    }
    void store(const SlotRecord& value) const
    {
        record->store(std::bit_cast<std::uint32_t>(value), std::memory_order_relaxed);
    }
};

/// The class of a slot, whose block is within the range.
inline SizeClass class_of_slot(const void* block)
{
    constexpr Descriptor kClassMask = (Descriptor{1} << kOwnerShift) - 1;
    const std::size_t granule = address_range.granule_of(block);
    return static_cast<SizeClass>(address_range.descriptor_at_once(granule) & kClassMask);
}

/// Slots smaller than that would take more for their records than it is worth: half as many.
inline constexpr std::size_t kLeastSlot = 32;

/// Records of all slots. Thread safety: any thread; a record is written by who has the slot.
class SlotTable {
public:
    /// Once the range is reserved, `granules` long. Errors: false, no addresses.
    bool initialise() { return array_.reserve_all(); }

    /// The slot that begins at `block`, within the range, of `size_class`.
    Slot at(const void* block, SizeClass size_class)
    {
        const Place place = place_of(block, size_class);
        return place.is_slot ? slot(place, array_.find(place.granule)) : Slot{};
    }
    Slot at(const void* block) { return at(block, class_of_slot(block)); }

    /// The same of a block that the heap has given. Errors: no memory for its record, or it is no
    /// slot.
    Slot make(const void* block, SizeClass size_class)
    {
        const Place place = place_of(block, size_class);
        return place.is_slot ? slot(place, array_.make(place.granule)) : Slot{};
    }

    MemoryRange memory() const { return array_.memory(); }

private:
    using Word = std::atomic<std::uint32_t>;

    struct Place {
        bool is_slot;
        std::size_t granule; // first of the slab
        std::size_t index;   // in the slab
        std::uintptr_t start;
    };

    [[gnu::always_inline]] static Place place_of(const void* block, SizeClass size_class)
    {
        const std::size_t granule = address_range.granule_of(block);
        const SlabShape& shape = shape_of(size_class);
        const std::size_t first = AddressRange::first_granule(granule, size_class);
        const auto start = reinterpret_cast<std::uintptr_t>(block);
        const std::size_t offset =
            start - reinterpret_cast<std::uintptr_t>(address_range.granule_address(first));
        const std::size_t index = block_index(shape, offset);
        // Slots are never smaller than kLeastSlot, so nobody's granules, of class 0, have none.
        const bool is_slot = index * shape.block_size == offset && index < shape.capacity &&
                             size_class >= kLeastClass;
        return {is_slot, first, index, start};
    }

    static Slot slot(const Place& place, std::byte* words)
    {
        if (words == nullptr) [[unlikely]]
            return {};
        return {reinterpret_cast<Word*>(words) + place.index, place.start};
    }

    static constexpr SizeClass kLeastClass = size_class_for(kLeastSlot);
    /// See RecordTable: a cache line more than the smallest slots need.
    GranuleArray<kGranule / kLeastSlot * sizeof(Word) + 64> array_;
};

inline constinit SlotTable slot_table;

} // namespace tarn
