// SPDX-License-Identifier: MIT
//
// Where slots come from and where they go: a thread's cache, and the heap behind it.

#pragma once

#include <algorithm>

#include "src/checks/slot_cache.h"
#include "src/heap/thread_cache.h"

namespace tarn {

/// A slot of the heap's. None: no memory.
Slot take_from_heap(SizeClass size_class);
/// The reverse. Looks at what it holds.
void give_home(const Slot& slot);

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
}

/// A slot for a new block. None: no memory.
inline Slot take_slot(SizeClass size_class)
{
    SlotCache* const cache = own_slot_cache();
    if (cache == nullptr || cache->shelf(size_class).ready() == 0) [[unlikely]]
        return detail::take_slot_slowly(cache, size_class);
    return cache->shelf(size_class).take_ready(cache->random());
}

} // namespace tarn
