// SPDX-License-Identifier: MIT
//
// Where slots come from and where they go: a thread's cache, and the heap behind it.

#pragma once

#include <algorithm>

#include "src/checks/slot_cache.h"
#include "src/heap/thread_cache.h"

namespace tarn {

/// The cache of the calling thread. nullptr: it has none.
inline SlotCache* own_slot_cache()
{
    Heap* const heap = this_thread_cache().heap;
    if (heap == nullptr) [[unlikely]]
        return nullptr;
    heap->tick();
    return slot_cache_of(*heap);
}

namespace detail {
Slot take_slot_slowly(SlotCache* cache, SizeClass size_class);
void put_slot_slowly(SlotCache* cache, Slot slot, SizeClass size_class);
} // namespace detail

/// A slot for a new block. None: no memory.
inline Slot take_slot(SizeClass size_class)
{
    SlotCache* const cache = own_slot_cache();
    if (cache == nullptr || cache->shelf(size_class).needs_more()) [[unlikely]]
        return detail::take_slot_slowly(cache, size_class);
    return cache->shelf(size_class).take(cache->random());
}

/// What becomes of a slot that was freed: it waits, or another one goes home in its place.
inline void put_slot(const Slot& slot, SizeClass size_class)
{
    SlotCache* const cache = own_slot_cache();
    if (cache == nullptr || cache->shelf(size_class).is_full()) [[unlikely]]
        return detail::put_slot_slowly(cache, slot, size_class);
    cache->shelf(size_class).put(slot);
}

} // namespace tarn
