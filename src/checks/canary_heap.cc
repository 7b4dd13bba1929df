// SPDX-License-Identifier: MIT

#include "src/checks/canary_heap.h"

#include <algorithm>
#include <cstring>

#include "src/checks/canary.h"
#include "src/checks/checked_block.h"
#include "src/checks/damage.h"
#include "src/checks/entry.h"
#include "src/heap/allocate.h"
#include "src/heap/settings.h"

namespace tarn {

namespace {

constexpr std::size_t kAround = canary::kFront + canary::kShortest;

constinit BlockChecks all_ways{}; // for what cannot go the short one
constinit BlockChecks with_short_one{};

/// A block of the pools. Errors: nullptr, no memory.
[[gnu::always_inline]] inline void* take(SizeClass size_class)
{
    if (Heap* const heap = this_thread_cache().heap) [[likely]]
        if (void* const raw = heap->pop_own(size_class)) [[likely]]
            return raw;
    return allocate_pooled_unchecked(size_class, block_size(size_class));
}

/// Gives it back. `descriptor`: of its granule.
[[gnu::always_inline]] inline void put_back(void* raw, Descriptor descriptor)
{
    Heap* const heap = this_thread_cache().heap;
    if (heap == nullptr || heap->id() != descriptor >> kOwnerShift) [[unlikely]]
        return deallocate_unchecked(raw);
    heap->free_local(static_cast<SizeClass>(descriptor & 255), static_cast<FreeBlock*>(raw));
}

[[gnu::always_inline]] inline void* allocate_short(const BlockRequest& request)
{
    const std::size_t size = request.size;
    const SizeClass size_class = size_class_for(size + kAround);
    void* const raw = take(size_class);
    if (raw == nullptr) [[unlikely]]
        return all_ways.allocate({size, kMinAlignment, false});
    const CheckedPlace place = records.make_pooled(raw, size_class, canary::kFront);
    if (!place) [[unlikely]] {
        deallocate_unchecked(raw);
        return nullptr;
    }
    note_allocated(*place.record, {size, kMinAlignment, false}, 0);
    set_live(place);
    const std::uintptr_t start = place.raw + canary::kFront;
    canary::fill({start, start + size, place.raw + place.room});
    return reinterpret_cast<void*>(start);
}

void* allocate_from_program(std::size_t size, std::size_t alignment)
{
    if (size > kMaxPooledSize - kAround || alignment != kMinAlignment) [[unlikely]]
        return all_ways.enter_allocate(size, alignment);
    return enter_allocate<allocate_short>(size, kMinAlignment);
}

[[gnu::always_inline]] inline void deallocate_short(const BlockReturn& given)
{
    const std::size_t granule = address_range.granule_of(given.block);
    const Descriptor descriptor = address_range.descriptor_at_once(granule);
    const CheckedPlace place = records.pooled_at(given.block, descriptor);
    if (!claim(place, given.block, false)) [[unlikely]]
        return;
    check_form(place, given.kind);
    const auto start = reinterpret_cast<std::uintptr_t>(given.block);
    if (!canary::is_intact({start, start + place.record->size, place.raw + place.room}))
        [[unlikely]]
        report_damage(place, nullptr);
    place.record->freed_by = own_thread_number();
    place.record->freed_at = 0;
    place.record->state.store(BlockState::freed, std::memory_order_release);
    put_back(reinterpret_cast<void*>(place.raw), descriptor);
}

void deallocate_from_program(void* block, BlockKind kind)
{
    if (!address_range.contains(block) || late_frees.are_there()) [[unlikely]]
        return all_ways.enter_deallocate(block, kind);
    enter_deallocate<deallocate_short, deallocate_outside>(block, kind);
}

/// Where the room is what a new block would have. False: it is not.
bool resize_in_place(const CheckedPlace& place, std::size_t size)
{
    const bool fits = block_size(size_class_for(size + kAround)) == place.room;
    if (!fits || place.record->kind != BlockKind::malloc || place.record->front() != canary::kFront)
        return false;
    report_damage(place, nullptr);
    place.record->size = size;
    canary::fill(place);
    return true;
}

void* reallocate(void* block, std::size_t size)
{
    if (!address_range.contains(block) || size > kMaxPooledSize - kAround)
        return all_ways.reallocate(block, size);
    const CheckedPlace place = records.at(block);
    if (!place || place.record->state.load() != BlockState::live)
        return all_ways.reallocate(block, size);
    if (resize_in_place(place, size)) return block;
    const std::size_t before = place.record->size;
    void* const moved = allocate_short({size, kMinAlignment, false});
    if (moved == nullptr) return nullptr;
    std::memcpy(moved, block, std::min(size, before));
    const Resizing form;
    deallocate_short({block, BlockKind::malloc});
    return moved;
}

void start()
{
    all_ways.start();
    const bool has_pools = settings.pools && address_range.granule_count() != 0;
    // Leaks and profiles want to hear of every block.
    if (!has_pools || settings.observer != nullptr || is_sampling()) return;
    with_short_one.enter_allocate = allocate_from_program;
    with_short_one.enter_deallocate = deallocate_from_program;
    with_short_one.reallocate = reallocate;
}

} // namespace

bool wants_canaries_alone(const CheckSettings& wanted)
{
    const bool wants_more = wanted.fills_allocated || wanted.fills_freed || wanted.keeps_stacks ||
                            wanted.quarantine != 0 || !wanted.uses_pools ||
                            wanted.check_every != 0 || wanted.guards.choice;
    return wanted.canaries && !wants_more;
}

const BlockChecks* with_short_way(const BlockChecks& whole)
{
    all_ways = whole;
    with_short_one = whole;
    with_short_one.start = start;
    return &with_short_one;
}

} // namespace tarn
