// SPDX-License-Identifier: MIT
//
// What is remembered of a block that is checked. It lies beside the heap, where no overflow of the
// program's comes to.
//
//      heap's block │ front: canary │ the program's bytes │ back: canary │
//                   raw             start                 start + size   raw + room

#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "src/base/block_checks.h"
#include "src/base/check_error.h"
#include "src/base/units.h"
#include "src/fallback/address_table.h"
#include "src/heap/granule_array.h"
#include "src/heap/slab_shape.h"
#include "src/os/mutex.h"

namespace tarn {

enum class BlockState : std::uint8_t { unknown, live, quarantined, freed };

struct BlockRecord {
    std::uint64_t size; // bytes asked for
    std::uint32_t allocated_at;
    std::uint32_t freed_at;
    std::uint32_t freed_when; // milliseconds of os::clock_milliseconds(), the low bits
    std::uint16_t allocated_by;
    std::uint16_t freed_by;
    std::atomic<BlockState> state;
    BlockKind kind;
    std::uint8_t front_shift;     // the front has 2 to that many bytes
    std::uint8_t alignment_shift; // asked for; 4: nothing in particular

    std::size_t front() const { return std::size_t{1} << front_shift; }
};
static_assert(sizeof(BlockRecord) == 32);

/// A block and its record.
struct CheckedPlace {
    BlockRecord* record = nullptr; // null: no block of ours
    std::uintptr_t raw = 0;
    std::size_t room = 0; // bytes of the heap's block

    explicit operator bool() const { return record != nullptr; }
    /// As the program knows it.
    std::uintptr_t start() const { return raw + record->front(); }
    std::uintptr_t end() const { return start() + record->size; }
};

/// Records of all blocks. Thread safety: any thread; a record is its owner's, but for the state.
class RecordTable {
public:
    /// Once the range is reserved. Without memory there are no records, and nothing is checked.
    void initialise();

    /// A record for a block that the heap has just given; its front is yet to be set.
    /// Errors: an empty one, no memory.
    CheckedPlace make(void* raw, std::size_t front)
    {
        if (!address_range.contains(raw)) [[unlikely]]
            return make_large(raw, front);
        const std::size_t granule = address_range.granule_of(raw);
        return make_pooled(raw, class_of(address_range.descriptor_at_once(granule)), front);
    }
    /// The same of a block of the pools.
    CheckedPlace make_pooled(void* raw, SizeClass size_class, std::size_t front)
    {
        const PooledPlace place = pooled_place(reinterpret_cast<std::uintptr_t>(raw),
                                               address_range.granule_of(raw), size_class);
        auto* const first = reinterpret_cast<BlockRecord*>(pooled_.make(place.granule));
        if (first == nullptr) [[unlikely]]
            return {};
        BlockRecord& record = first[place.index];
        record.front_shift = static_cast<std::uint8_t>(std::countr_zero(front));
        return {&record, place.raw, place.room};
    }
    /// The block that begins at `start` for the program. None if there never was one, or the memory
    /// has become another's.
    CheckedPlace at(const void* start)
    {
        if (!address_range.contains(start)) [[unlikely]]
            return apart_at(start);
        const std::size_t granule = address_range.granule_of(start);
        return pooled_at(start, address_range.descriptor_at_once(granule));
    }
    /// The same in the range of the pools. `descriptor`: of the granule it lies in.
    CheckedPlace pooled_at(const void* start, Descriptor descriptor) const
    {
        if (descriptor == 0) return {};
        const auto address = reinterpret_cast<std::uintptr_t>(start);
        const PooledPlace place =
            pooled_place(address, address_range.granule_of(start), class_of(descriptor));
        BlockRecord* const record = known_record(place);
        if (record == nullptr || place.raw + record->front() != address) return {};
        return {record, place.raw, place.room};
    }
    /// As at(), without waiting for a lock: what is large may not be found.
    CheckedPlace at_once(const void* start);
    /// The block that `address` lies in, or next to: within it, its front or what is behind.
    CheckedPlace around(std::uintptr_t address);
    /// The heap's block, if the program has it.
    CheckedPlace of_raw(std::uintptr_t raw);
    /// The memory goes back to the heap. Of a large block the record goes, too.
    void forget(const CheckedPlace& place)
    {
        // Of a block of the pools what was known stays, for who frees it once more.
        place.record->state.store(BlockState::freed, std::memory_order_release);
        if (!address_range.contains(reinterpret_cast<void*>(place.raw))) [[unlikely]]
            forget_large(place);
    }

    /// Calls `use` with every place that has a large block.
    template <class Use> void for_each_large(Use use)
    {
        large_.for_each([&](std::uintptr_t, const LargeBlock& large) { use(large.place()); });
    }

    std::size_t memory(MemoryRange* ranges, std::size_t most);

private:
    struct LargeBlock {
        BlockRecord* record = nullptr;
        std::uintptr_t raw = 0;
        std::size_t room = 0;
        CheckedPlace place() const { return {record, raw, room}; }
    };

    /// Where a block of the pools lies that holds an address, or would.
    struct PooledPlace {
        std::size_t granule; // first of the slab
        std::size_t index;   // in the slab
        std::uintptr_t raw;
        std::size_t room;
    };

    static PooledPlace pooled_place(std::uintptr_t address, std::size_t granule,
                                    SizeClass size_class)
    {
        const SlabShape& shape = shape_of(size_class);
        const std::size_t first = AddressRange::first_granule(granule, size_class);
        const auto slab = reinterpret_cast<std::uintptr_t>(address_range.granule_address(first));
        // 0 of a single block, which is longer than a granule.
        const std::size_t index = block_index(shape, address - slab);
        return {first, index, slab + index * shape.block_size, shape.block_size};
    }

    /// Its record; nullptr: there never was a block.
    BlockRecord* known_record(const PooledPlace& place) const
    {
        auto* const first = reinterpret_cast<BlockRecord*>(pooled_.find(place.granule));
        if (first == nullptr) return nullptr;
        BlockRecord* const record = first + place.index;
        const BlockState state = record->state.load(std::memory_order_acquire);
        return state != BlockState::unknown ? record : nullptr;
    }

    void forget_large(CheckedPlace place);
    CheckedPlace make_large(void* raw, std::size_t front);
    CheckedPlace apart_at(const void* start);
    BlockRecord* take_large_record();
    void put_back_large_record(BlockRecord* record);
    CheckedPlace pooled_around(std::uintptr_t address);

    /// Room for the smallest blocks of a granule, of which slabs of larger blocks use the
    /// beginning, and a cache line more, or the first records of all slabs would compete for the
    /// same lines.
    GranuleArray<kGranule / kMinAlignment * sizeof(BlockRecord) + 64> pooled_;
    os::Mutex mutex_;                   // for what follows
    AddressTable<LargeBlock> large_;    // by `start`
    BlockRecord* free_large_ = nullptr; // linked through `size`
    std::byte* next_large_ = nullptr;
    std::byte* end_of_large_ = nullptr;
};

extern constinit RecordTable records;

} // namespace tarn
