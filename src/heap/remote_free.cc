// SPDX-License-Identifier: MIT

#include "src/heap/remote_free.h"

#include "src/heap/heap.h"

namespace tarn {

namespace {

constinit std::array<std::atomic<std::uint64_t>, kSizeClassCount> stray_counts{};

std::uint16_t index_in(const Slab& slab, const FreeBlock* block)
{
    const auto offset = static_cast<std::size_t>(reinterpret_cast<const std::byte*>(block) -
                                                 address_range.slab_start(slab));
    return static_cast<std::uint16_t>(block_index(shape_of(slab.size_class), offset));
}

void enqueue(Slab& slab)
{
    // The slab has blocks that are not home yet, so its owner cannot have given it up.
    Heap& owner = address_range.heap(address_range.descriptor(slab.granule) >> kOwnerShift);
    std::atomic<Slab*>& queue = owner.remote_queue();
    Slab* first = queue.load(std::memory_order_relaxed);
    do {
        slab.remote_next = first;
    } while (!queue.compare_exchange_weak(first, &slab, std::memory_order_release,
                                          std::memory_order_relaxed));
}

void publish(Slab& slab, RemoteList batch)
{
    RemoteList old = slab.remote.load(std::memory_order_relaxed);
    RemoteList joined;
    do {
        // A block's link crosses from one batch into the next older one.
        block_at(slab, batch.tail)->next = old.count != 0 ? block_at(slab, old.head) : nullptr;
        joined = {.head = batch.head,
                  .tail = old.count != 0 ? old.tail : batch.tail,
                  .count = static_cast<std::uint16_t>(old.count + batch.count)};
        // Release hands the blocks over; acquire pairs with the owner's taking of the list, after
        // which it is ours to queue the slab again, and so to write remote_next.
    } while (!slab.remote.compare_exchange_weak(old, joined, std::memory_order_acq_rel,
                                                std::memory_order_relaxed));
    if (old.count == 0) enqueue(slab);
}

void publish_one(Slab& slab, const FreeBlock* block)
{
    const std::uint16_t index = index_in(slab, block);
    publish(slab, {.head = index, .tail = index, .count = 1});
}

void publish(ThreadCache& cache, RemoteBatch& batch)
{
    if (batch.key == 0) return;
    Slab& slab = address_range.slab_record(batch.key - 1);
    cache.heap->count_sent(slab.size_class, batch.count);
    publish(slab, {.head = index_in(slab, batch.newest), .tail = batch.tail, .count = batch.count});
    batch = {};
}

} // namespace

void free_remote_now(Slab& slab, FreeBlock* block)
{
    stray_counts[index_of(slab.size_class)].fetch_add(1, std::memory_order_relaxed);
    publish_one(slab, block);
}

std::uint64_t strays_sent(SizeClass size_class)
{
    return stray_counts[index_of(size_class)].load(std::memory_order_relaxed);
}

void batch_remote(ThreadCache& cache, std::size_t granule, SizeClass size_class, FreeBlock* block)
{
    if (append_remote(cache, granule, size_class, block)) return;
    const std::size_t first = address_range.first_granule(granule, size_class);
    Slab& slab = address_range.slab_record(first);
    if (shape_of(size_class).remote_batch == 1) {
        cache.heap->count_sent(size_class, 1);
        publish_one(slab, block);
        return;
    }
    RemoteBatch& batch = batch_for(cache, first);
    if (batch.key != first + 1) {
        publish(cache, batch);
        block->next = nullptr;
        batch = {.newest = block,
                 .key = static_cast<std::uint32_t>(first + 1),
                 .count = 1,
                 .tail = index_in(slab, block)};
        return;
    }
    block->next = batch.newest;
    batch.newest = block;
    ++batch.count;
    publish(cache, batch);
}

void publish_all(ThreadCache& cache)
{
    for (RemoteBatch& batch : cache.remote)
        publish(cache, batch);
}

} // namespace tarn
