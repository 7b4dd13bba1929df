// SPDX-License-Identifier: MIT

#include "src/checks/guard_pool.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "src/base/block_checks.h"
#include "src/base/units.h"
#include "src/heap/budget.h"
#include "src/heap/size_class.h"
#include "src/os/memory.h"

namespace tarn {

constinit GuardPool guard_pool;

namespace {

/// Of an open slot, and of a closed one that does not merge with what surrounds it.
constexpr std::size_t kMappingsOfOne = 2;

// Each class has so many bytes of addresses, if there are, and so many slots at most: what is freed
// stays closed until all of its class were used. What that costs are page tables and records, 64
// bytes a slot.
constexpr std::size_t kMostPart = GiB(2);
constexpr std::size_t kLeastPart = MiB(16);
constexpr std::size_t kMostSlots = std::size_t{1} << 17;
constexpr std::size_t kRecordStep = KiB(64);

/// Memory that its pages take beyond what the block does.
std::size_t overhead_of(std::size_t size)
{
    return round_up(size, os::kPageSize) - size;
}

std::size_t slot_size(std::size_t number)
{
    return ((std::size_t{1} << number) + 1) * os::kPageSize;
}

std::uintptr_t page_of(std::uintptr_t address)
{
    return address & ~(os::kPageSize - 1);
}

/// The alignment that an object of so many bytes may need, up to `most`.
std::size_t alignment_of_size(std::size_t size, std::size_t most)
{
    return size == 0 ? 1 : std::min(most, std::size_t{1} << std::countr_zero(size));
}

std::size_t alignment_for(GuardAlign align, std::size_t size, std::size_t wanted)
{
    constexpr std::size_t kWord = 8;
    if (wanted > kMinAlignment || align == GuardAlign::right || align == GuardAlign::left)
        return wanted;
    // Less than malloc promises: see displaced_code.h.
    return align == GuardAlign::exact ? alignment_of_size(size, kMinAlignment)
                                      : alignment_of_size(round_up(size, kWord), kMinAlignment);
}

std::size_t distance_from(const CheckedPlace& place, std::uintptr_t address)
{
    if (address < place.start()) return place.start() - address;
    return address >= place.end() ? address - place.end() + 1 : 0;
}

} // namespace

bool GuardPool::reserve_parts(std::size_t wanted)
{
    for (part_ = wanted; part_ >= kLeastPart; part_ = part_ / 2 & ~(os::kPageSize - 1)) {
        const auto start =
            reinterpret_cast<std::uintptr_t>(os::reserve(part_ * kClasses, os::kPageSize));
        if (start == 0) continue;
        start_ = start;
        size_ = part_ * kClasses;
        return true;
    }
    return false;
}

void GuardPool::reserve_records()
{
    std::size_t all = 0;
    for (std::size_t number = 0; number < kClasses; ++number) {
        classes_[number].most = std::min((part_ - os::kPageSize) / slot_size(number), kMostSlots);
        all += round_up(classes_[number].most * sizeof(Slot), kRecordStep);
    }
    auto* next = static_cast<std::byte*>(os::reserve(all, os::kPageSize));
    records_.start = reinterpret_cast<std::uintptr_t>(next);
    records_.end = records_.start + (next != nullptr ? all : 0);
    for (Class& own : classes_) {
        if (next == nullptr) own.most = 0;
        own.slots = reinterpret_cast<Slot*>(next);
        own.committed = next;
        next += next != nullptr ? round_up(own.most * sizeof(Slot), kRecordStep) : 0;
    }
}

void GuardPool::initialise(const GuardLimits& limits)
{
    align_ = limits.align;
    // Most of what the program may have is to be for its blocks, not for what surrounds them.
    most_memory_ =
        budget.limit() != 0 ? std::min(limits.memory, budget.limit() / 4) : limits.memory;
    most_mappings_ = limits.mappings != 0 ? limits.mappings : os::most_mappings() / 4 * 3;
    const std::size_t share = os::address_space_limit() / 8 / kClasses;
    if (reserve_parts(std::min(kMostPart, share & ~(os::kPageSize - 1)))) reserve_records();
}

std::uintptr_t GuardPool::slot_start(std::size_t number, std::size_t index) const
{
    return start_ + number * part_ + os::kPageSize + index * slot_size(number);
}

CheckedPlace GuardPool::place_of(Slot& slot)
{
    const std::uintptr_t raw = slot.start - slot.record.front();
    return {&slot.record, raw, round_up(slot.start + slot.record.size, os::kPageSize) - raw};
}

MemoryRange GuardPool::data(const CheckedPlace& place)
{
    return {page_of(place.start()), place.raw + place.room};
}

std::uintptr_t GuardPool::block_start(MemoryRange pages, std::size_t size,
                                      std::size_t alignment) const
{
    if (align_ == GuardAlign::left) return round_up(pages.start, alignment);
    return (pages.end - size) & ~(alignment - 1);
}

/// Errors: nullptr, a limit is reached.
GuardPool::Slot* GuardPool::take_slot(std::size_t number, std::size_t overhead, std::size_t& index)
{
    const os::LockGuard guard(mutex_);
    Class& own = classes_[number];
    if (mappings_ + kMappingsOfOne > most_mappings_ || memory_ + overhead > most_memory_)
        return nullptr;
    index = own.carved.load(std::memory_order_relaxed);
    if (index < own.most) {
        Slot* const slot = &own.slots[index];
        if (reinterpret_cast<std::byte*>(slot + 1) > own.committed) {
            if (!os::commit(own.committed, kRecordStep)) return nullptr;
            own.committed += kRecordStep;
        }
        own.carved.store(index + 1, std::memory_order_release);
    } else {
        if (own.oldest == 0) return nullptr;
        index = own.oldest - 1;
        own.oldest = own.slots[index].next;
        if (own.oldest == 0) own.newest = 0;
    }
    Slot& slot = own.slots[index];
    if (!slot.is_apart) mappings_ += kMappingsOfOne;
    slot.is_apart = false;
    memory_ += overhead;
    return &slot;
}

void GuardPool::put_back(std::size_t number, std::size_t index, std::size_t overhead)
{
    const os::LockGuard guard(mutex_);
    Class& own = classes_[number];
    const auto name = static_cast<std::uint32_t>(index + 1);
    own.slots[index].next = 0;
    (own.newest != 0 ? own.slots[own.newest - 1].next : own.oldest) = name;
    own.newest = name;
    if (!own.slots[index].is_apart) mappings_ -= kMappingsOfOne;
    memory_ -= overhead;
}

CheckedPlace GuardPool::refuse()
{
    refused_.fetch_add(1, std::memory_order_relaxed);
    return {};
}

/// Opens the pages of a slot whose block has its place. Errors: false, the system has no more, or
/// limit= is reached.
bool GuardPool::open(Slot& slot)
{
    const MemoryRange pages = data(place_of(slot));
    auto* const first = reinterpret_cast<void*>(pages.start);
    if (pages.size() == 0) return true;
    if (!budget.reserve(pages.size())) return false;
    if (!os::commit(first, pages.size())) {
        budget.release(pages.size());
        return false;
    }
    if (slot.is_stale) std::memset(first, 0, pages.size());
    slot.is_stale = false;
    return true;
}

CheckedPlace GuardPool::take(std::size_t size, std::size_t alignment)
{
    const std::size_t most = slot_size(kClasses - 1) - os::kPageSize;
    if (size > most || alignment > most || size_ == 0) return refuse();
    const std::size_t own_alignment =
        std::max(alignment_for(align_, size, alignment), asked_alignment);
    const std::size_t slack = own_alignment > os::kPageSize ? own_alignment : 0;
    const std::size_t pages =
        std::max(divide_up(round_up(size, own_alignment) + slack, os::kPageSize), std::size_t{1});
    const auto number = static_cast<std::size_t>(std::bit_width(pages - 1));
    if (number >= kClasses) return refuse();

    const std::size_t overhead = overhead_of(size);
    std::size_t index = 0;
    Slot* const slot = take_slot(number, overhead, index);
    if (slot == nullptr) return refuse();
    const std::uintptr_t first = slot_start(number, index);
    const std::uintptr_t end = first + slot_size(number);
    if (has_opened_.load(std::memory_order_relaxed)) shut({first, end}, *slot);
    slot->record.size = size;
    slot->record.front_shift = 0;
    slot->start = block_start({first, end - os::kPageSize}, size, own_alignment);
    if (open(*slot)) return place_of(*slot);
    slot->record.state.store(BlockState::unknown, std::memory_order_release);
    put_back(number, index, overhead);
    return {};
}

/// Takes the memory of pages and forbids them. They are apart when they cannot be as they were.
void GuardPool::shut(MemoryRange pages, Slot& slot)
{
    auto* const first = reinterpret_cast<void*>(pages.start);
    slot.is_apart = pages.size() != 0 && !os::restore(first, pages.size());
    slot.is_stale = slot.is_apart && !os::forbid(first, pages.size());
}

void GuardPool::close(const CheckedPlace& place)
{
    std::size_t index = 0;
    Slot* const slot = slot_of(place.start(), index);
    shut(data(place), *slot);
    budget.release(data(place).size());
    put_back(class_of(place.start()), index, overhead_of(place.record->size));
}

/// Errors: nullptr, there never was a block in it.
GuardPool::Slot* GuardPool::slot_of(std::uintptr_t address, std::size_t& index) const
{
    const std::size_t number = class_of(address);
    // In front of the first one that is beyond all.
    index = (address - slot_start(number, 0)) / slot_size(number);
    if (index >= classes_[number].carved.load(std::memory_order_acquire)) return nullptr;
    Slot& slot = slot_at(number, index);
    const bool is_known = slot.record.state.load(std::memory_order_acquire) != BlockState::unknown;
    return is_known ? &slot : nullptr;
}

CheckedPlace GuardPool::at(const void* start) const
{
    std::size_t index = 0;
    const auto address = reinterpret_cast<std::uintptr_t>(start);
    Slot* const slot = slot_of(address, index);
    return slot != nullptr && slot->start == address ? place_of(*slot) : CheckedPlace{};
}

CheckedPlace GuardPool::around(std::uintptr_t address) const
{
    // A closed page between two blocks may have been meant for either.
    CheckedPlace nearest;
    std::size_t least = ~std::size_t{0};
    const std::size_t step = slot_size(class_of(address));
    for (const std::uintptr_t candidate : {address, address - step, address + step}) {
        std::size_t index = 0;
        if (!contains(candidate) || class_of(candidate) != class_of(address)) continue;
        Slot* const slot = slot_of(candidate, index);
        if (slot == nullptr) continue;
        const CheckedPlace place = place_of(*slot);
        const std::size_t distance = distance_from(place, address);
        if (distance >= least) continue;
        least = distance;
        nearest = place;
    }
    return nearest;
}

bool GuardPool::open_page(std::uintptr_t address)
{
    has_opened_.store(true, std::memory_order_relaxed);
    return contains(address) &&
           os::commit(reinterpret_cast<void*>(page_of(address)), os::kPageSize);
}

std::size_t GuardPool::memory(MemoryRange* ranges, std::size_t most) const
{
    if (most < 2) return 0;
    ranges[0] = {start_, start_ + size_};
    ranges[1] = records_;
    return 2;
}

} // namespace tarn
