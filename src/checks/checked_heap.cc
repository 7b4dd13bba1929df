// SPDX-License-Identifier: MIT

#include "src/checks/checked_heap.h"

#include <algorithm>
#include <cstring>

#include "src/checks/call_count.h"
#include "src/checks/canary_heap.h"
#include "src/checks/checked_block.h"
#include "src/checks/damage.h"
#include "src/checks/entry.h"
#include "src/checks/fault.h"
#include "src/checks/guard_gap.h"
#include "src/checks/poison.h"
#include "src/checks/quarantine.h"
#include "src/heap/address_range.h"
#include "src/heap/large.h"
#include "src/heap/observed.h"
#include "src/heap/slow_path.h"
#include "src/os/memory.h"
#include "src/os/process.h"

namespace tarn {

namespace {

/// Fronts beyond this would need more than the first granule of a run; such blocks get a mapping.
constexpr std::size_t kMostPooledFront = 4096;

/// Of a new block: filling all of a gigabyte would make memory of what the program may never touch.
constexpr std::size_t kMostFilled = KiB(64);

std::uint32_t now()
{
    return static_cast<std::uint32_t>(os::clock_milliseconds());
}

[[gnu::always_inline]] inline void release(const CheckedPlace& place)
{
    auto* const raw = reinterpret_cast<void*>(place.raw);
    if (!is_in_pools(place)) os::commit(raw, place.room);
    records.forget(place);
    deallocate_unchecked(raw);
}

[[gnu::noinline]] void leave_quarantine(CheckedPlace place)
{
    report_late_write(place, "when it was to be reused");
    release(place);
}

[[gnu::noinline]] void close_guarded(CheckedPlace place)
{
    guard_pool.close(place);
}

/// What becomes of a block that the program has given back.
[[gnu::always_inline]] inline void retire(const CheckedPlace& place)
{
    if (guards::has(place)) [[unlikely]]
        return close_guarded(place);
    if (!is_in_pools(place)) [[unlikely]] {
        if (check_settings.quarantine == 0) return release(place);
        os::forbid(reinterpret_cast<void*>(place.raw), place.room);
    } else if (check_settings.fills_freed) {
        poison::fill_freed(place.start(), place.record->size);
    }
    if (!quarantine.put(place)) return release(place);
    while (const CheckedPlace oldest = quarantine.take_surplus())
        leave_quarantine(oldest);
}

void tell_observer(void* start, const BlockRequest& request)
{
    const std::size_t size = request.size;
    const Observer& observer = *settings.observer;
    const auto [born, trace] = observer.allocated(size, size, 1);
    detail::put_note(start, {.trace = trace, .born = born, .size = size, .room = size});
    if (observer.placed != nullptr) observer.placed(start, size, trace, request.alignment);
}

/// A block of the heap, `whole` bytes with its front and its back.
CheckedPlace take_from_heap(const BlockRequest& request, std::size_t front, std::size_t whole)
{
    // What does not fit the first granule gets a mapping, where every alignment is to be had.
    const bool is_pooled = front <= kMostPooledFront && check_settings.uses_pools;
    const Zero zero = request.is_zeroed ? Zero::yes : Zero::no;
    void* const raw =
        is_pooled ? allocate_unchecked(whole, front, zero) : allocate_large(whole, front, zero);
    if (raw == nullptr) return {};
    const CheckedPlace place = records.make(raw, front);
    if (!place) deallocate_unchecked(raw);
    return place;
}

/// Gives a block that has its canaries to the program.
[[gnu::always_inline]] inline void* hand_out(const CheckedPlace& place, const BlockRequest& request)
{
    auto* const start = reinterpret_cast<void*>(place.start());
    if (!request.is_zeroed && check_settings.fills_allocated)
        poison::fill_allocated(place.start(), std::min(request.size, kMostFilled));
    else if (request.is_zeroed && is_in_pools(place))
        std::memset(start, 0, request.size);
    set_live(place);
    if (settings.observer != nullptr) tell_observer(start, request);
    return start;
}

/// nullptr: the limits of guards are reached.
[[gnu::noinline]] void* allocate_guarded(const BlockRequest& request, std::uint32_t stack)
{
    const CheckedPlace place = guard_pool.take(request.size, request.alignment);
    if (!place) return nullptr;
    note_allocated(*place.record, request, stack);
    guard_gap::fill(place);
    return hand_out(place, request);
}

void* allocate(const BlockRequest& request)
{
    const std::size_t front = std::max(request.alignment, kMinAlignment);
    std::size_t whole = 0;
    if (__builtin_add_overflow(request.size, front + canary::kShortest, &whole) ||
        static_cast<std::ptrdiff_t>(whole) < 0) {
        report_size(1, request.size);
        return nullptr;
    }
    count_call();
    std::uint32_t stack = check_settings.keeps_stacks ? current_stack() : 0;
    if (guards::want(request.size, stack)) [[unlikely]] {
        if (void* const block = allocate_guarded(request, stack)) return block;
    }
    const CheckedPlace place = take_from_heap(request, front, whole);
    if (!place) return nullptr;
    note_allocated(*place.record, request, stack);
    if (check_settings.canaries) canary::fill(place);
    return hand_out(place, request);
}

/// Looks at a block that was claimed, and remembers who gave it back.
[[gnu::always_inline]] inline void note_freed(const CheckedPlace& place)
{
    if (settings.observer != nullptr) tell_freed(reinterpret_cast<void*>(place.start()));
    report_damage(place, nullptr);
    place.record->freed_by = own_thread_number();
    place.record->freed_at = 0;
    if (!check_settings.keeps_stacks && !guards::has(place)) return;
    place.record->freed_at = current_stack();
    place.record->freed_when = now();
}

[[gnu::noinline]] void retire_late(CheckedPlace place)
{
    note_freed(place);
    place.record->freed_at = 0; // by whom, and where, was never known
    retire(place);
}

[[gnu::noinline]] void take_late_frees()
{
    late_frees.take_all(retire_late);
}

void deallocate(const BlockReturn& given)
{
    if (late_frees.are_there()) [[unlikely]]
        take_late_frees();
    const CheckedPlace place = records.at(given.block);
    if (!place && free_foreign(given.block)) return;
    count_call();
    if (!claim(place, given.block, false)) return;
    check_form(place, given.kind);
    note_freed(place);
    retire(place);
}

void* reallocate(void* block, std::size_t size)
{
    const CheckedPlace before = records.at(block);
    const std::size_t foreign = before ? 0 : foreign_size(block);
    if (!before && foreign == 0) {
        report_bad_pointer(before, block, true);
        return nullptr;
    }
    if (before && before.record->state.load() != BlockState::live) {
        // Said now: the memory of what was freed may be the next that is had.
        report_bad_pointer(before, block, true);
        return allocate({size, kMinAlignment, false});
    }
    // Not claimed before there is a new one: without memory the old one stays as it is.
    void* const moved = allocate({size, kMinAlignment, false});
    if (moved == nullptr) return nullptr;
    if (!before) {
        std::memcpy(moved, block, std::min(size, foreign));
        free_foreign(block);
        return moved;
    }
    if (!claim(before, block, true)) return moved;
    const std::size_t copied = std::min<std::size_t>(size, before.record->size);
    std::memcpy(moved, block, copied);
    {
        const Resizing form;
        check_form(before, BlockKind::malloc);
    }
    note_freed(before);
    retire(before);
    if (settings.observer != nullptr) detail::tell_resized(moved, copied);
    return moved;
}

std::size_t usable_size(const void* block)
{
    const CheckedPlace place = records.at(block);
    return place ? place.record->size : foreign_size(block);
}

std::size_t usable_size_outside(const void* block)
{
    const CheckedPlace place = records.at_once(block);
    return place ? place.record->size : 0;
}

bool find_live(LiveBlock& block)
{
    const CheckedPlace place = records.of_raw(block.start);
    if (!place) return false;
    block = {
        .start = place.start(), .size = place.record->size, .trace = place.record->allocated_at};
    return true;
}

std::size_t own_memory(MemoryRange* ranges, std::size_t most)
{
    std::size_t count = records.memory(ranges, most);
    count += guard_pool.memory(ranges + count, most - count);
    if (count == most) return count;
    ranges[count] = quarantine.memory();
    return count + 1;
}

void for_each_apart(BlockVisitor visit, void* context)
{
    guard_pool.for_each_live([visit, context](const CheckedPlace& place) {
        visit(context, {place.start(), place.record->size, place.record->allocated_at});
    });
}

void start()
{
    if (check_settings.uses_pools) records.initialise();
    guards::start();
}

/// A block of the sample.
void* allocate_guarded(const BlockRequest& request)
{
    const CheckedPlace place = guard_pool.take(request.size, request.alignment);
    if (!place) return nullptr;
    note_allocated(*place.record, request, current_stack());
    guard_gap::fill(place);
    set_live(place);
    return reinterpret_cast<void*>(place.start());
}

bool owns(const void* block)
{
    return guard_pool.contains(reinterpret_cast<std::uintptr_t>(block));
}

constexpr BlockChecks kGuards{.enter_allocate = nullptr,
                              .refused = nullptr,
                              .enter_deallocate = nullptr,
                              .start = guards::start,
                              .allocate = allocate_guarded,
                              .deallocate = deallocate,
                              .owns = owns,
                              .reallocate = nullptr, // as of any block that has to move
                              .usable_size = usable_size,
                              .usable_size_outside = nullptr,
                              .find_live = nullptr,
                              .for_each_apart = nullptr,
                              .own_memory = nullptr};

constexpr BlockChecks kCheckedHeap{.enter_allocate = enter_allocate<allocate>,
                                   .refused = report_size,
                                   .enter_deallocate =
                                       enter_deallocate<deallocate, deallocate_outside>,
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

constinit LateFrees late_frees;

void deallocate_outside(void* block)
{
    const CheckedPlace place = records.at_once(block);
    BlockState state = BlockState::live;
    if (place && place.record->state.compare_exchange_strong(state, BlockState::quarantined))
        late_frees.put(place);
}

[[gnu::noinline, gnu::cold]] void detail::tell_bad_pointer(CheckedPlace place, const void* block,
                                                           bool is_resize)
{
    report_bad_pointer(place, block, is_resize);
}

const BlockChecks* start_checks(const CheckSettings& wanted, const CheckHooks& hooks)
{
    check_settings = wanted;
    set_check_hooks(hooks);
    canary::initialise();
    poison::set_patterns(wanted.allocated, wanted.freed);
    quarantine.set_limit(wanted.quarantine);
    guards::choose(wanted.guards);
    return wants_canaries_alone(wanted) ? with_short_way(kCheckedHeap) : &kCheckedHeap;
}

const BlockChecks* start_guards(const CheckSettings& wanted, const CheckHooks& hooks)
{
    start_checks(wanted, hooks);
    return &kGuards;
}

void ignore_block_kinds()
{
    check_settings.checks_kinds = false;
}

} // namespace tarn
