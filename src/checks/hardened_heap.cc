// SPDX-License-Identifier: MIT

#include "src/checks/hardened_heap.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstring>

#include "src/checks/canary.h"
#include "src/checks/damage.h"
#include "src/checks/entry.h"
#include "src/checks/fault.h"
#include "src/checks/slot_cache.h"
#include "src/checks/slot_contents.h"
#include "src/checks/slot_record.h"
#include "src/checks/slot_supply.h"
#include "src/heap/allocate.h"
#include "src/heap/heap.h"
#include "src/heap/settings.h"
#include "src/heap/slow_path.h"

namespace tarn {

namespace {

/// Alignments beyond have mappings of their own.
constexpr std::size_t kMostAlignment = os::kPageSize;
/// Large blocks that are freed and stay inaccessible: each counts for a megabyte.
constexpr std::size_t kLargeQuarantine = MiB(64);

constinit bool has_slots = false;
constexpr std::uint32_t kNoAlignment = std::countr_zero(kMinAlignment);
/// For what is no slot.
constinit const BlockChecks* apart = nullptr;

BlockKind kind_of_request()
{
    if (!cpp_form.is_new) return BlockKind::malloc;
    return cpp_form.is_array ? BlockKind::array : BlockKind::single;
}

bool fits_slots(std::size_t size, std::size_t alignment)
{
    return size <= kMaxPooledSize - kSlotCanary && alignment <= kMostAlignment && has_slots;
}

[[gnu::always_inline]] inline SizeClass slot_class(std::size_t size, std::size_t alignment)
{
    return size_class_for(padded_for(std::max(size + kSlotCanary, kLeastSlot), alignment));
}

/// Apart and by value, or all that have a slot would pay for a request in memory.
[[gnu::noinline, gnu::cold]] void* allocate_without_slot(std::size_t size, std::size_t alignment,
                                                         bool is_zeroed)
{
    return apart->allocate({size, alignment, is_zeroed});
}

/// Requires: it fits one.
[[gnu::always_inline]] inline void* allocate_slot(const BlockRequest& request)
{
    const Slot slot = take_slot(slot_class(request.size, request.alignment));
    if (!slot) [[unlikely]] // there is no more in the pools
        return allocate_without_slot(request.size, request.alignment, request.is_zeroed);
    look_at_free_slot(slot, "when it was to be reused");
    if (request.is_zeroed || zero_mode == ZeroMode::alloc)
        std::memset(slot.block(), 0, request.size);
    SlotRecord known{};
    known.set_size(request.size);
    known.alignment_shift = static_cast<std::uint32_t>(std::countr_zero(request.alignment)) & 31U;
    known.kind = kind_of_request();
    known.state = SlotState::live;
    slot.store(known);
    set_canary(slot, request.size);
    return slot.block();
}

void* allocate(const BlockRequest& request)
{
    if (!fits_slots(request.size, request.alignment)) return apart->allocate(request);
    return allocate_slot(request);
}

void* allocate_from_program(std::size_t size, std::size_t alignment)
{
    if (!fits_slots(size, alignment)) [[unlikely]]
        return apart->enter_allocate(size, alignment);
    if (alignment == kMinAlignment) [[likely]] // a constant then
        return enter_allocate<allocate_slot>(size, kMinAlignment);
    return enter_allocate<allocate>(size, alignment);
}

/// What becomes of a slot that the program has given back. `known`: its record.
[[gnu::always_inline]] inline void retire(const Slot& slot, SlotRecord known, SizeClass size_class)
{
    known.state = SlotState::waiting;
    slot.store(known);
    if (zero_mode == ZeroMode::free) clear(slot, used_words(known.size));
    put_slot(slot, size_class);
}

/// Blocks that come back where no slow path may be taken; found when a thread next frees one.
constinit std::array<std::atomic<void*>, 64> late_frees{};
constinit std::atomic<std::uint32_t> late_count{0};

void deallocate_slot_outside(void* block)
{
    for (std::atomic<void*>& place : late_frees) {
        void* empty = nullptr;
        if (!place.compare_exchange_strong(empty, block)) continue;
        late_count.fetch_add(1);
        return;
    }
}

/// False: check_form() has something to say, or is to look.
[[gnu::always_inline]] inline bool is_right_form(const SlotRecord& known, BlockKind kind)
{
    if (kind == BlockKind::malloc) return known.kind == BlockKind::malloc;
    if (cpp_form.is_array) kind = BlockKind::array;
    return known.kind == kind && (cpp_form.size == 0 || cpp_form.size == known.size) &&
           cpp_form.alignment <= kMinAlignment && known.alignment_shift == kNoAlignment;
}

[[gnu::noinline, gnu::cold]] void tell_bad_pointer(Slot slot, const void* block, bool is_resize)
{
    // What a program has never had has no record.
    const bool was_block = slot && std::bit_cast<std::uint32_t>(slot.load()) != 0;
    report_bad_pointer(was_block ? DescribedSlot(slot).place() : CheckedPlace{}, block, is_resize);
}

[[gnu::noinline, gnu::cold]] void look_at_form(Slot slot, BlockKind kind)
{
    check_form(DescribedSlot(slot).place(), kind);
}

/// The slot of a block that is in use. None: it is not, which is reported.
[[gnu::always_inline]] inline Slot claim(const void* block, SizeClass size_class, bool is_resize)
{
    const Slot slot = slot_table.at(block, size_class);
    if (slot && slot.load().state == SlotState::live) [[likely]]
        return slot;
    tell_bad_pointer(slot, block, is_resize);
    return {};
}

[[gnu::noinline]] void take_late_frees()
{
    for (std::atomic<void*>& place : late_frees) {
        void* const block = place.exchange(nullptr);
        if (block == nullptr) continue;
        late_count.fetch_sub(1);
        const Slot slot = slot_table.at(block);
        if (slot && slot.load().state == SlotState::live)
            retire(slot, slot.load(), class_of_slot(block));
    }
}

/// Requires: it is within the range.
[[gnu::always_inline]] inline void deallocate_slot(const BlockReturn& given)
{
    if (late_count.load(std::memory_order_relaxed) != 0) [[unlikely]]
        take_late_frees();
    const SizeClass size_class = class_of_slot(given.block);
    const Slot slot = claim(given.block, size_class, false);
    if (!slot) [[unlikely]]
        return;
    const SlotRecord known = slot.load();
    if (!is_right_form(known, given.kind)) [[unlikely]]
        look_at_form(slot, given.kind);
    check_canary(slot, known.size);
    retire(slot, known, size_class);
}

void deallocate(const BlockReturn& given)
{
    if (!address_range.contains(given.block)) return apart->deallocate(given);
    deallocate_slot(given);
}

void deallocate_from_program(void* block, BlockKind kind)
{
    if (!address_range.contains(block)) [[unlikely]]
        return apart->enter_deallocate(block, kind);
    enter_deallocate<deallocate_slot, deallocate_slot_outside>(block, kind);
}

/// Where the slot is one that a new block would have.
bool resize_in_place(const Slot& slot, SizeClass size_class, std::size_t size)
{
    if (!fits_slots(size, kMinAlignment) || slot_class(size, kMinAlignment) != size_class)
        return false;
    SlotRecord known = slot.load();
    check_canary(slot, known.size);
    write_canary(slot, known.size, 0);
    if (size < known.size)
        std::memset(reinterpret_cast<void*>(slot.start + size), 0, known.size - size);
    known.set_size(size);
    slot.store(known);
    set_canary(slot, size);
    return true;
}

void* move_block(void* block, std::size_t before, std::size_t size)
{
    void* const moved = allocate({size, kMinAlignment, false});
    if (moved == nullptr) return nullptr;
    std::memcpy(moved, block, std::min(size, before));
    const Resizing form;
    deallocate({block, BlockKind::malloc});
    return moved;
}

void* reallocate(void* block, std::size_t size)
{
    if (!address_range.contains(block)) {
        const CheckedPlace place = records.at(block);
        const bool is_live = place && place.record->state.load() == BlockState::live;
        if (is_live && fits_slots(size, kMinAlignment))
            return move_block(block, place.record->size, size);
        return apart->reallocate(block, size);
    }
    const SizeClass size_class = class_of_slot(block);
    const Slot slot = claim(block, size_class, true);
    if (!slot) return nullptr;
    if (slot.load().kind == BlockKind::malloc && resize_in_place(slot, size_class, size))
        return block;
    return move_block(block, slot.load().size, size);
}

std::size_t usable_size(const void* block)
{
    if (!address_range.contains(block)) return apart->usable_size(block);
    const Slot slot = slot_table.at(block);
    return slot && slot.load().state == SlotState::live ? slot.load().size : 0;
}

std::size_t usable_size_outside(const void* block)
{
    return address_range.contains(block) ? usable_size(block) : apart->usable_size_outside(block);
}

bool owns(const void* block)
{
    return address_range.contains(block) || apart->owns(block);
}

bool find_live(LiveBlock& block)
{
    auto* const start = reinterpret_cast<void*>(block.start);
    if (!address_range.contains(start)) return apart->find_live(block);
    const Slot slot = slot_table.at(start);
    if (!slot || slot.load().state != SlotState::live) return false;
    block.size = slot.load().size;
    return true;
}

std::size_t own_memory(MemoryRange* ranges, std::size_t most)
{
    const std::size_t count = apart->own_memory(ranges, most);
    if (count == most) return count;
    ranges[count] = slot_table.memory();
    return count + 1;
}

void for_each_apart(BlockVisitor visit, void* context)
{
    apart->for_each_apart(visit, context);
}

void start()
{
    apart->start();
    has_slots = settings.pools && slot_table.initialise();
}

constexpr BlockChecks kHardenedHeap{.enter_allocate = allocate_from_program,
                                    .refused = report_size,
                                    .enter_deallocate = deallocate_from_program,
                                    .start = start,
                                    .allocate = allocate,
                                    .deallocate = deallocate,
                                    .owns = owns,
                                    .reallocate = reallocate,
                                    .usable_size = usable_size,
                                    .usable_size_outside = usable_size_outside,
                                    .find_live = find_live,
                                    .for_each_apart = for_each_apart,
                                    .own_memory = own_memory};

} // namespace

bool report_damaged_slot(const void* block)
{
    if (!has_slots || !address_range.contains(block)) return false;
    const Slot slot = slot_table.at(block);
    const SlotRecord known = slot ? slot.load() : SlotRecord{};
    if (known.state != SlotState::live || is_intact(slot, known.size)) return false;
    tell_overflow(slot, known.size);
    return true;
}

const BlockChecks* start_hardening(const HardenSettings& wanted, const CheckHooks& hooks)
{
    zero_mode = wanted.zero;
    apart = start_checks({.canaries = true,
                          .checks_kinds = wanted.checks_kinds,
                          .quarantine = kLargeQuarantine,
                          .uses_pools = false},
                         hooks);
    return &kHardenedHeap;
}

} // namespace tarn
