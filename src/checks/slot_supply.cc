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

/// Out of memory: whatever waits goes home.
void give_all_home(SlotCache& cache)
{
    for (std::size_t index = 0; index < kSizeClassCount; ++index) {
        SlotShelf& shelf = cache.shelf(static_cast<SizeClass>(index));
        while (const Slot slot = shelf.take_waiting())
            give_home(slot);
        while (shelf.ready() != 0)
            give_home(shelf.take_ready(0));
    }
}

/// Gets slots enough for a choice. False: not a single one.
bool refill(SlotShelf& shelf, SizeClass size_class)
{
    const std::uint32_t most = SlotShelf::most_waiting(size_class);
    for (std::uint32_t wanted = std::max(most / 4, 1U); wanted > 0; --wanted) {
        const Slot slot = take_from_heap(size_class);
        if (!slot) break;
        shelf.add_ready(slot);
    }
    return shelf.ready() != 0;
}

} // namespace

Slot take_from_heap(SizeClass size_class)
{
    for (;;) {
        void* const block = allocate_pooled_unchecked(size_class, block_size(size_class));
        if (block == nullptr) return {};
        const bool is_of_class =
            address_range.contains(block) && class_of_slot(block) == size_class;
        const Slot slot = is_of_class ? slot_table.make(block, size_class) : Slot{};
        const SlotState state = slot ? slot.load().state : SlotState::live;
        if (state == SlotState::unused || state == SlotState::cleared) [[likely]] {
            *static_cast<void**>(block) = nullptr; // the heap's link
            set_state(slot, SlotState::unused);
            return slot;
        }
        if (is_of_class && !slot) return {}; // no memory for its record
        tell_bad_link(block, slot);
    }
}

void give_home(const Slot& slot)
{
    check_cleared(slot, slot.load(), "when its memory went back to the heap");
    set_state(slot, SlotState::unused);
    deallocate_unchecked(slot.block());
}

Slot detail::take_slot_slowly(SlotCache* cache, SizeClass size_class)
{
    const bool has_shelf = SlotShelf::most_waiting(size_class) != 0;
    if (cache == nullptr || !has_shelf) {
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
    return shelf.take_ready(cache->random());
}

} // namespace tarn
