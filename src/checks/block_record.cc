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

} // namespace

void RecordTable::initialise()
{
    // Without, every block has a mapping of its own.
    if (!pooled_.reserve_all()) settings.pools = false;
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

CheckedPlace RecordTable::make_large(void* raw, std::size_t front)
{
    BlockRecord* const record = take_large_record();
    if (record == nullptr) return {};
    const auto address = reinterpret_cast<std::uintptr_t>(raw);
    record->front_shift = static_cast<std::uint8_t>(std::countr_zero(front));
    const LargeBlock large{record, address, large_usable_size(raw)};
    if (large_.insert(reinterpret_cast<void*>(address + front), large)) return large.place();
    put_back_large_record(record);
    return {};
}

CheckedPlace RecordTable::apart_at(const void* start)
{
    const auto address = reinterpret_cast<std::uintptr_t>(start);
    if (guard_pool.contains(address)) return guard_pool.at(start);
    return large_.find(start).place();
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
        const PooledPlace place = pooled_place(address, granule, class_of(descriptor));
        BlockRecord* const record = known_record(place);
        if (record != nullptr && address < place.raw + place.room)
            return {record, place.raw, place.room};
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

void RecordTable::forget_large(CheckedPlace place)
{
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
