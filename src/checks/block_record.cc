// SPDX-License-Identifier: MIT

#include "src/checks/block_record.h"

#include <algorithm>
#include <bit>

#include "src/checks/guard_pool.h"
#include "src/heap/address_range.h"
#include "src/heap/large.h"
#include "src/heap/settings.h"
#include "src/os/memory.h"

namespace tarn {

constinit RecordTable records;

namespace {

constexpr std::size_t kLargeStep = KiB(64);

/// Where a block of the pools lies that holds an address, or would.
struct PooledPlace {
    std::size_t granule; // first of the slab
    std::size_t index;   // in the slab
    std::uintptr_t raw;
    std::size_t room;
};

PooledPlace pooled_place(std::uintptr_t address, std::size_t granule, Descriptor descriptor)
{
    constexpr Descriptor kClassMask = (Descriptor{1} << kOwnerShift) - 1;
    const auto size_class = static_cast<SizeClass>(descriptor & kClassMask);
    const SlabShape& shape = shape_of(size_class);
    const std::size_t first = AddressRange::first_granule(granule, size_class);
    const auto slab = reinterpret_cast<std::uintptr_t>(address_range.granule_address(first));
    const std::size_t index = shape.is_single_block() ? 0 : block_index(shape, address - slab);
    return {first, index, slab + index * shape.block_size, shape.block_size};
}

} // namespace

void RecordTable::initialise()
{
    // Records take twice the addresses of what they are of: where these are scarce, less of it.
    for (std::size_t granules = address_range.granule_count(); granules > kChunkGranules;) {
        if (pooled_.reserve(granules)) return;
        address_range.shrink(granules / 2 << kGranuleShift);
        if (address_range.granule_count() == granules) break;
        granules = address_range.granule_count();
    }
    settings.pools = false; // every block has a mapping of its own
}

BlockRecord* RecordTable::pooled_record(std::size_t granule, std::size_t index) const
{
    std::byte* const first = pooled_.find(granule);
    return first != nullptr ? reinterpret_cast<BlockRecord*>(first) + index : nullptr;
}

BlockRecord* RecordTable::take_large_record()
{
    const os::LockGuard guard(mutex_);
    if (BlockRecord* const record = free_large_) {
        free_large_ = reinterpret_cast<BlockRecord*>(record->size);
        return record;
    }
    if (next_large_ == end_of_large_) {
        next_large_ = static_cast<std::byte*>(os::map(kLargeStep, os::kPageSize));
        end_of_large_ = next_large_ != nullptr ? next_large_ + kLargeStep : nullptr;
        if (next_large_ == nullptr) return nullptr;
    }
    auto* const record = reinterpret_cast<BlockRecord*>(next_large_);
    next_large_ += sizeof(BlockRecord);
    return record;
}

void RecordTable::put_back_large_record(BlockRecord* record)
{
    const os::LockGuard guard(mutex_);
    record->size = reinterpret_cast<std::uint64_t>(free_large_);
    free_large_ = record;
}

CheckedPlace RecordTable::make(void* raw, std::size_t front)
{
    const auto address = reinterpret_cast<std::uintptr_t>(raw);
    const auto front_shift = static_cast<std::uint8_t>(std::countr_zero(front));
    if (address_range.contains(raw)) {
        const std::size_t granule = address_range.granule_of(raw);
        if (pooled_.make(granule) == nullptr) return {};
        const PooledPlace place = pooled_place(address, granule, address_range.descriptor(granule));
        BlockRecord* const record = pooled_record(place.granule, place.index);
        record->front_shift = front_shift;
        return {record, address, place.room};
    }
    BlockRecord* const record = take_large_record();
    if (record == nullptr) return {};
    record->front_shift = front_shift;
    const LargeBlock large{record, address, large_usable_size(raw)};
    if (large_.insert(reinterpret_cast<void*>(address + front), large)) return large.place();
    put_back_large_record(record);
    return {};
}

CheckedPlace RecordTable::at(const void* start)
{
    const auto address = reinterpret_cast<std::uintptr_t>(start);
    if (guard_pool.contains(address)) return guard_pool.at(start);
    if (!address_range.contains(start)) return large_.find(start).place();
    const std::size_t granule = address_range.granule_of(start);
    const Descriptor descriptor = address_range.descriptor_at_once(granule);
    if (descriptor == 0) return {};
    const PooledPlace place = pooled_place(address, granule, descriptor);
    BlockRecord* const record = pooled_record(place.granule, place.index);
    if (record == nullptr || record->state.load(std::memory_order_acquire) == BlockState::unknown)
        return {};
    const CheckedPlace found{record, place.raw, place.room};
    return found.start() == address ? found : CheckedPlace{};
}

CheckedPlace RecordTable::at_once(const void* start)
{
    return address_range.contains(start) ? at(start) : large_.find_at_once(start).place();
}

CheckedPlace RecordTable::of_raw(std::uintptr_t raw)
{
    auto* const block = reinterpret_cast<void*>(raw);
    if (address_range.contains(block)) {
        const CheckedPlace place = pooled_around(raw);
        const bool is_live =
            place && place.raw == raw &&
            place.record->state.load(std::memory_order_acquire) == BlockState::live;
        return is_live ? place : CheckedPlace{};
    }
    // The table is asked by where the program's bytes begin: behind a front of a power of two.
    for (std::uintptr_t front = kMinAlignment; front != 0; front <<= 1U) {
        const CheckedPlace place = large_.find(reinterpret_cast<void*>(raw + front)).place();
        if (place && place.raw == raw)
            return place.record->state.load() == BlockState::live ? place : CheckedPlace{};
    }
    return {};
}

CheckedPlace RecordTable::pooled_around(std::uintptr_t address)
{
    std::size_t granule = address_range.granule_of(reinterpret_cast<void*>(address));
    const Descriptor descriptor = address_range.descriptor_at_once(granule);
    if (descriptor == 0) return {};
    // Of a run that is one block only the first granule has a record.
    for (;; --granule) {
        const PooledPlace place = pooled_place(address, granule, descriptor);
        BlockRecord* const record = pooled_record(place.granule, place.index);
        const bool is_known = record != nullptr &&
                              record->state.load(std::memory_order_acquire) != BlockState::unknown;
        if (is_known && address < place.raw + place.room) return {record, place.raw, place.room};
        const bool may_go_on = place.room > kMaxSharedSlabBlock && granule != 0 &&
                               address_range.descriptor_at_once(granule - 1) == descriptor &&
                               address - place.raw < place.room;
        if (!may_go_on) return {};
    }
}

CheckedPlace RecordTable::around(std::uintptr_t address)
{
    if (address_range.contains(reinterpret_cast<void*>(address))) return pooled_around(address);
    if (guard_pool.contains(address)) return guard_pool.around(address);
    CheckedPlace found;
    for_each_large([&](const CheckedPlace& place) {
        if (address >= place.raw && address < place.raw + place.room) found = place;
    });
    return found;
}

void RecordTable::forget(const CheckedPlace& place)
{
    // Of a block of the pools what was known stays, for who frees it once more.
    place.record->state.store(BlockState::freed, std::memory_order_release);
    if (address_range.contains(reinterpret_cast<void*>(place.raw))) return;
    large_.remove(reinterpret_cast<void*>(place.start()));
    put_back_large_record(place.record);
}

std::size_t RecordTable::memory(MemoryRange* ranges, std::size_t most)
{
    if (most < 2) return 0;
    ranges[0] = pooled_.memory();
    ranges[1] = large_.memory();
    return 2;
}

} // namespace tarn
