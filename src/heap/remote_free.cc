// SPDX-License-Identifier: MIT

#include "src/heap/remote_free.h"

#include "src/heap/heap.h"

namespace tarn {

namespace {

constexpr std::size_t kBatchBlocks = 64;
constexpr std::size_t kBatchBytes = KiB(4);

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

void publish(RemoteBatch& batch)
{
    if (batch.blocks.count == 0) return;
    publish(address_range.slab_record(batch.granule), batch.blocks);
    batch.blocks = {};
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

void batch_remote(ThreadCache& cache, Slab& slab, FreeBlock* block)
{
    const std::size_t size = shape_of(slab.size_class).block_size;
    if (size >= kBatchBytes) {
        publish_one(slab, block);
        return;
    }
    // Neighbouring slabs are one to eight granules apart; the product spreads them over the slots.
    const std::size_t slot = (slab.granule * 0x9E3779B1U) >> 28;
    static_assert(kRemoteBatches == 16, "the slot is the top four of 32 bits");
    RemoteBatch& batch = cache.remote[slot & (kRemoteBatches - 1)];
    const std::uint16_t index = index_in(slab, block);
    if (batch.blocks.count != 0 && batch.granule != slab.granule) publish(batch);
    if (batch.blocks.count == 0) {
        batch.granule = slab.granule;
        batch.blocks.tail = index;
        block->next = nullptr;
    } else {
        block->next = block_at(slab, batch.blocks.head);
    }
    batch.blocks.head = index;
    ++batch.blocks.count;
    if (batch.blocks.count >= kBatchBlocks || batch.blocks.count * size >= kBatchBytes)
        publish(batch);
}

void publish_all(ThreadCache& cache)
{
    for (RemoteBatch& batch : cache.remote)
        publish(batch);
}

} // namespace tarn
