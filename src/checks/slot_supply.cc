// SPDX-License-Identifier: MIT

#include "src/checks/slot_supply.h"

#include "src/checks/slot_contents.h"
#include "src/heap/slow_path.h"

namespace tarn {

namespace {

void set_state(const Slot& slot, SlotState state)
{
    SlotRecord known = slot.load();
    known.state = state;
    slot.store(known);
}

/// A slot of the heap's. None: no memory.
Slot take_from_heap(SizeClass size_class)
{
    for (;;) {
        void* const block = allocate_pooled_unchecked(size_class, block_size(size_class));
        if (block == nullptr) return {};
        const bool is_of_class =
            address_range.contains(block) && class_of_slot(block) == size_class;
        const Slot slot = is_of_class ? slot_table.make(block, size_class) : Slot{};
        const SlotState state = slot ? slot.load().state : SlotState::live;
        if (state == SlotState::unused) [[likely]] {
            *static_cast<void**>(block) = nullptr; // the heap's link
            set_state(slot, SlotState::unused);
            return slot;
        }
        if (is_of_class && !slot) return {}; // no memory for its record
        tell_bad_link(block, slot);
    }
}

/// The reverse. Looks at what the slot holds.
void give_home(const Slot& slot)
{
    look_at_free_slot(slot, "when its memory went back to the heap");
    set_state(slot, SlotState::unused);
    deallocate_unchecked(slot.block());
}

/// Out of memory: whatever waits goes home.
void give_all_home(SlotCache& cache)
{
    for (std::size_t index = 0; index < kSizeClassCount; ++index) {
        SlotShelf& shelf = cache.shelf(static_cast<SizeClass>(index));
        while (const Slot slot = shelf.take_oldest())
            give_home(slot);
    }
}

/// Gets slots enough for a choice. False: there is not a single one.
bool refill(SlotShelf& shelf, SizeClass size_class)
{
    if (!shelf.has_limits()) shelf.set_limits(size_class);
    for (std::uint32_t wanted = shelf.least_choice(); wanted > 0; --wanted) {
        const Slot slot = take_from_heap(size_class);
        if (!slot) break;
        shelf.put_new(slot);
    }
    return shelf.choice() != 0;
}

} // namespace

Slot detail::take_slot_slowly(SlotCache* cache, SizeClass size_class)
{
    if (cache == nullptr || !SlotShelf::is_for(size_class)) {
        const Slot slot = take_from_heap(size_class);
        if (slot || cache == nullptr) return slot;
        give_all_home(*cache);
        return take_from_heap(size_class);
    }
    SlotShelf& shelf = cache->shelf(size_class);
    if (!refill(shelf, size_class)) {
        give_all_home(*cache);
        if (!refill(shelf, size_class)) return {};
    }
    return shelf.take(cache->random());
}

void detail::put_slot_slowly(SlotCache* cache, Slot slot, SizeClass size_class)
{
    if (cache == nullptr) return give_home(slot);
    SlotShelf& shelf = cache->shelf(size_class);
    if (!shelf.has_limits()) [[unlikely]] {
        if (!SlotShelf::is_for(size_class)) return give_home(slot);
        shelf.set_limits(size_class);
    }
    if (shelf.is_full()) [[likely]]
        give_home(shelf.take(cache->random()));
    shelf.put(slot);
}

} // namespace tarn
