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

/// Adds a block of another heap's slab to the batches of `cache`, publishing what is due: a batch
/// of 64 blocks or 4 KiB, or one that has to make way. At most 16 KiB or so stay behind.
void batch_remote(ThreadCache& cache, Slab& slab, FreeBlock* block);

/// Publishes a single block at once; for threads without a heap.
void free_remote_now(Slab& slab, FreeBlock* block);

/// Blocks of a class that free_remote_now() has sent so far.
std::uint64_t strays_sent(SizeClass size_class);

/// Publishes all batches.
void publish_all(ThreadCache& cache);

} // namespace tarn
