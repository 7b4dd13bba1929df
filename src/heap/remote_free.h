// SPDX-License-Identifier: MIT
//
// Remote frees: blocks on their way home to the heap that owns their slab.
//
// The freeing thread collects blocks of one slab in a batch of its own (RemoteBatch) and publishes
// the batch with one atomic operation on the slab, plus one on the owner's queue if the slab was
// not queued yet. The owner takes whole lists (Heap::collect_remote) and never takes part in an
// atomic operation unless there is something to take.

#pragma once

#include <cstddef>

#include "src/heap/thread_cache.h"

namespace tarn {

/// The block with number `index` of `slab`.
inline FreeBlock* block_at(const Slab& slab, std::size_t index)
{
    return reinterpret_cast<FreeBlock*>(address_range.slab_start(slab) +
                                        index * shape_of(slab.size_class).block_size);
}

/// The batch that blocks of the slab at `first_granule` go into.
inline RemoteBatch& batch_for(ThreadCache& cache, std::size_t first_granule)
{
    // Neighbouring slabs are one to eight granules apart; the product spreads them over the slots.
    static_assert(kRemoteBatches == 32, "the slot is the top five of 32 bits");
    return cache.remote[(static_cast<std::uint32_t>(first_granule) * 0x9E3779B1U) >> 27];
}

/// Adds a block of another heap's slab to a batch that has begun and has room for more than this
/// one. False: there is none such. Neither locks nor takes part in an atomic operation, and does
/// not touch the slab's record, which its owner writes all the time.
///
/// As with pop() and push(), fork() may happen in another thread at any instruction: the list is
/// whole after each, and Heap::recount_bins() counts it in the child.
inline bool append_remote(ThreadCache& cache, std::size_t granule, SizeClass size_class,
                          FreeBlock* block)
{
    const SlabShape& shape = shape_of(size_class);
    // Wrong for slabs of a single block, which have no batches anyway.
    const std::size_t first = granule & ~(std::size_t{shape.granules} - 1);
    RemoteBatch& batch = batch_for(cache, first);
    const std::size_t count = std::size_t{batch.count} + 1;
    if (batch.key != first + 1 || count >= shape.remote_batch) return false;
    block->next = batch.newest;
    batch.newest = block;
    batch.count = static_cast<std::uint16_t>(count);
    return true;
}

/// Adds a block of another heap's slab to the batches of `cache`, publishing what is due: a full
/// batch (SlabShape::remote_batch), or one that has to make way. At most a page of each of
/// kRemoteBatches slabs stays behind.
void batch_remote(ThreadCache& cache, std::size_t granule, SizeClass size_class, FreeBlock* block);

/// Publishes a single block at once; for threads without a heap.
void free_remote_now(Slab& slab, FreeBlock* block);

/// Blocks of a class that free_remote_now() has sent so far.
std::uint64_t strays_sent(SizeClass size_class);

/// Publishes all batches.
void publish_all(ThreadCache& cache);

} // namespace tarn
