// SPDX-License-Identifier: MIT

#include "src/heap/verify.h"

#include "src/base/print.h"
#include "src/heap/heap_registry.h"
#include "src/heap/holes.h"
#include "src/heap/page_heap.h"
#include "src/heap/remote_free.h"

namespace tarn {

namespace {

[[noreturn]] void broken(const char* invariant, std::uint64_t where)
{
    Printer(write_to_stderr) << "tarn: heap is damaged: " << invariant << " (at " << Hex{where}
                             << ")\n";
    __builtin_abort();
}

void require(bool holds, const char* invariant, std::uint64_t where)
{
    if (!holds) broken(invariant, where);
}

std::uint64_t at(const void* address)
{
    return reinterpret_cast<std::uint64_t>(address);
}

/// A block of this class and owner, at a block boundary, handed out at least once.
void require_block(const Heap& heap, SizeClass size_class, const FreeBlock* block)
{
    const std::size_t granule = address_range.granule_of(block);
    require(granule < address_range.granule_count(), "a free block lies in the range", at(block));
    require(address_range.descriptor(granule) == heap.descriptor_for(size_class),
            "a free block is of the class and owner of its list", at(block));
    const Slab& slab = address_range.slab_at(granule, size_class);
    const auto offset = static_cast<std::size_t>(reinterpret_cast<const std::byte*>(block) -
                                                 address_range.slab_start(slab));
    const std::size_t index = block_index(shape_of(size_class), offset);
    require(block_at(slab, index) == block, "a free block starts at a block boundary", at(block));
    require(index < slab.carved, "a free block was handed out before", at(block));
}

} // namespace

void Heap::verify_class(SizeClass size_class)
{
    const ClassState& state = this->state(size_class);
    std::uint64_t in_slabs = 0;
    std::uint64_t absent = 0;
    const Slab* previous = nullptr;
    for (const Slab* slab = state.with_room.front(); slab != nullptr; slab = slab->next) {
        require(slab->listed && slab->previous == previous, "the list of slabs is linked both ways",
                at(slab));
        require(slab->size_class == size_class, "a slab is in the list of its class", at(slab));
        require(slab->has_room(), "a listed slab has room", at(slab));
        require(slab->carved <= slab->capacity && slab->free_count + slab->absent <= slab->carved,
                "a slab's counts are in order", at(slab));
        std::size_t count = 0;
        for (const FreeBlock* block = slab->free; block != nullptr; block = block->next) {
            require_block(*this, size_class, block);
            require(&address_range.slab_at(address_range.granule_of(block), size_class) == slab,
                    "a slab's free block is its own", at(block));
            require(!is_absent(*slab, block), "a slab's free block has memory", at(block));
            require(++count <= slab->free_count, "a slab's free list is as long as its count",
                    at(slab));
        }
        require(count == slab->free_count, "a slab's free list is as long as its count", at(slab));
        require(count_absent(*slab) == slab->absent,
                "a slab's absent blocks are those of its holes", at(slab));
        in_slabs += count + slab->absent;
        absent += slab->absent;
        previous = slab;
    }
    require(in_slabs == state.in_slabs, "the slabs' free blocks add up", index_of(size_class));
    require(absent == state.absent, "the slabs' absent blocks add up", index_of(size_class));
    require(state.carved <= std::uint64_t{state.slabs} * shape_of(size_class).capacity,
            "no more blocks than the slabs hold", index_of(size_class));

    // Never fewer than the account says. More is what it says after 2^30 pushes without a miss, see
    // Heap::settle(); but a list longer than all blocks is one that leads round and round.
    constexpr const char* kInvariant = "a bin holds as many blocks as its account says";
    std::int64_t cached = 0;
    const FreeBlock* const binned = state.armed ? state.armed_list : bin(size_class).head;
    require(!state.armed || bin(size_class).head == nullptr, "an armed bin is empty",
            index_of(size_class));
    for (const FreeBlock* block = binned; block != nullptr; block = block->next) {
        require_block(*this, size_class, block);
        require(static_cast<std::uint64_t>(++cached) <= state.carved, kInvariant,
                index_of(size_class));
    }
    require(cached >= room_when_empty(size_class) - room_of(size_class), kInvariant,
            index_of(size_class));
    require(static_cast<std::uint64_t>(cached) + in_slabs <= state.carved,
            "no more free blocks than blocks", index_of(size_class));
}

void Heap::verify_split(SizeClass size_class)
{
    const std::size_t index = index_of(size_class);
    for (const bool is_freed : {false, true}) {
        const FreeBlock* block = is_freed ? thread_->freed[index].head : thread_->bins[index].head;
        std::uint64_t left = is_freed ? freed_count(size_class) : loaded_count(size_class);
        for (; block != nullptr; block = block->next, --left) {
            require_block(*this, size_class, block);
            require(left != 0, "a split bin holds as many blocks as its account says", index);
        }
        require(left == 0, "a split bin holds as many blocks as its account says", index);
    }
}

void Heap::verify()
{
    for (std::size_t index = 0; index < kSizeClassCount; ++index) {
        verify_class(static_cast<SizeClass>(index));
        if (is_split()) verify_split(static_cast<SizeClass>(index));
    }
}

void PageHeap::verify()
{
    const os::LockGuard guard(mutex_);
    std::size_t used = 0;
    for (std::size_t number = 0; number < address_range.chunk_count(); ++number) {
        const Chunk& chunk = address_range.chunk(number);
        require(chunk.longest == chunk.free.longest_run(),
                "a chunk is in the list of its longest free run", number);
        for (std::size_t i = 0; i < kChunkGranules; ++i) {
            const std::size_t granule = number * kChunkGranules + i;
            const bool is_free = !(chunk.free & GranuleSet::range(i, 1)).empty();
            const bool is_owned = address_range.descriptor_at_once(granule) != 0;
            require(!is_free || !is_owned, "a free granule has no owner", granule);
            used += is_owned ? kGranule : 0;
        }
    }
    for (std::size_t longest = 1; longest <= kChunkGranules; ++longest) {
        const Chunk* previous = nullptr;
        for (const Chunk* chunk = lists_[longest]; chunk != nullptr; chunk = chunk->next) {
            require(chunk->longest == longest && chunk->previous == previous,
                    "the list of chunks is linked both ways", longest);
            previous = chunk;
        }
        require((nonempty_ & GranuleSet::range(longest - 1, 1)).empty() ==
                    (lists_[longest] == nullptr),
                "the set of lists is true", longest);
    }
    require(used <= used_.load(std::memory_order_relaxed), "owned granules are counted", used);
}

void HeapRegistry::verify_parked()
{
    const os::LockGuard guard(mutex_);
    for (Heap* heap = parked_; heap != nullptr; heap = heap->next_parked)
        heap->verify();
}

void verify_heap()
{
    if (Heap* const heap = this_thread_cache().heap) heap->verify();
    heap_registry.verify_parked();
    sample_heap.verify();
    page_heap.verify();
}

} // namespace tarn
