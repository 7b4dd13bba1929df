// SPDX-License-Identifier: MIT

#pragma once

#include "src/heap/address_range.h"
#include "src/heap/heap.h"
#include "src/heap/remote_free.h"
#include "src/heap/sampled.h"

namespace tarn {

/// Gives a block of the pools to its heap, whosever it is. On a slow path. `heap`: the calling
/// thread's; null: it has none, or must not touch it.
[[gnu::always_inline]] inline void give_back(Heap* heap, FreeBlock* block)
{
    const std::size_t granule = address_range.granule_of(block);
    const Descriptor descriptor = address_range.descriptor(granule);
    const SizeClass size_class = class_of(descriptor);
    if (heap == nullptr) return free_remote_now(address_range.slab_at(granule, size_class), block);
    if (heap->id() == descriptor >> kOwnerShift) {
        if (heap->is_split()) [[unlikely]]
            return heap->free_split(size_class, block);
        return heap->free_local(size_class, block);
    }
    if (is_sampling() && sample_heap.id() == descriptor >> kOwnerShift) [[unlikely]]
        return sample_heap.deallocate(size_class, block);
    batch_remote(heap->batches(), granule, size_class, block);
    heap->tick();
}

} // namespace tarn
