// SPDX-License-Identifier: MIT

#include "src/heap/live_blocks.h"

#include "src/fallback/fallback.h"
#include "src/heap/heap_registry.h"
#include "src/heap/holes.h"
#include "src/heap/large.h"
#include "src/heap/observed.h"
#include "src/heap/page_heap.h"
#include "src/heap/remote_free.h"
#include "src/os/memory.h"

namespace tarn {

namespace {

/// A bit for every place in the pools where a block can start.
class FreeSet {
public:
    FreeSet()
    {
        const std::size_t places = address_range.chunk_count() * (kChunkSize / kMinAlignment);
        size_ = round_up(places / 8 + 8, os::kPageSize);
        words_ = static_cast<std::uint64_t*>(os::map(size_, os::kPageSize));
    }
    FreeSet(const FreeSet&) = delete;
    FreeSet& operator=(const FreeSet&) = delete;
    ~FreeSet()
    {
        if (words_ != nullptr) os::unmap(words_, size_);
    }

    bool is_valid() const { return words_ != nullptr; }

    void add(const FreeBlock* block)
    {
        const std::size_t place = place_of(block);
        words_[place / 64] |= std::uint64_t{1} << (place % 64);
    }
    bool contains(const FreeBlock* block) const
    {
        const std::size_t place = place_of(block);
        return (words_[place / 64] >> (place % 64) & 1) != 0;
    }

    /// A list that a double free has closed to a ring ends where it meets itself.
    void add_list(const FreeBlock* block)
    {
        for (; block != nullptr && is_ours(block) && !contains(block); block = block->next)
            add(block);
    }

private:
    static std::size_t place_of(const FreeBlock* block)
    {
        const auto start = reinterpret_cast<std::uintptr_t>(address_range.granule_address(0));
        return (reinterpret_cast<std::uintptr_t>(block) - start) / kMinAlignment;
    }
    static bool is_ours(const FreeBlock* block)
    {
        return address_range.granule_of(block) < address_range.chunk_count() * kChunkGranules;
    }

    std::uint64_t* words_ = nullptr;
    std::size_t size_ = 0; // bytes
};

/// Calls `use` for each slab, in order of address.
template <class Use> void for_each_slab(Use use)
{
    const std::size_t end = address_range.chunk_count() * kChunkGranules;
    for (std::size_t granule = 0; granule < end;) {
        const Descriptor descriptor = address_range.descriptor_at_once(granule);
        if (descriptor == 0) {
            ++granule;
            continue;
        }
        constexpr Descriptor kClassMask = (Descriptor{1} << kOwnerShift) - 1;
        const auto size_class = static_cast<SizeClass>(descriptor & kClassMask);
        use(address_range.slab_at(granule, size_class));
        granule += shape_of(size_class).granules;
    }
}

void add_returned(FreeSet& free, const Slab& slab)
{
    free.add_list(slab.free);
    const RemoteList remote = slab.remote.load(std::memory_order_acquire);
    if (remote.count != 0) free.add_list(block_at(slab, remote.head));
}

/// With what is remembered of it.
LiveBlock noted(LiveBlock block)
{
    const BlockNote note = note_of(reinterpret_cast<const void*>(block.start));
    return note.trace == 0 ? block
                           : LiveBlock{block.start, note.size, note.trace,
                                       static_cast<std::uint32_t>(note.born)};
}

} // namespace

void Heap::for_each_free_list(void (*use)(void* context, const FreeBlock* list), void* context)
{
    for (std::size_t index = 0; index < kSizeClassCount; ++index) {
        use(context, cache_->bins[index].head);
        if (classes_[index].slabs != 0) use(context, classes_[index].armed_list);
    }
    for (const RemoteBatch& batch : batches().remote)
        use(context, batch.newest);
    for (std::size_t index = 0; is_split() && index < kSizeClassCount; ++index) {
        use(context, thread_->bins[index].head);
        use(context, thread_->freed[index].head);
    }
}

bool hold_heap()
{
    if (heap_registry.freeze(&this_thread_cache())) return true;
    heap_registry.thaw();
    return false;
}

void release_heap()
{
    heap_registry.thaw();
}

bool for_each_live_block(BlockVisitor visit, void* context)
{
    FreeSet free;
    if (!free.is_valid()) return false;
    for_each_slab([&](const Slab& slab) { add_returned(free, slab); });
    const auto add = [](void* set, const FreeBlock* list) {
        static_cast<FreeSet*>(set)->add_list(list);
    };
    for (std::size_t id = 1; id <= heap_registry.count(); ++id)
        address_range.heap(id).for_each_free_list(add, &free);

    for_each_slab([&](const Slab& slab) {
        const std::size_t size = shape_of(slab.size_class).block_size;
        for (std::size_t index = 0; index < slab.carved; ++index) {
            const FreeBlock* const block = block_at(slab, index);
            if (free.contains(block) || is_absent(slab, block)) continue;
            visit(context, noted({reinterpret_cast<std::uintptr_t>(block), size}));
        }
    });
    struct Noting {
        BlockVisitor visit;
        void* context;
    } noting{visit, context};
    for_each_large(
        [](void* outer, LiveBlock block) {
            const auto& inner = *static_cast<Noting*>(outer);
            inner.visit(inner.context, noted(block));
        },
        &noting);
    return true;
}

std::size_t list_own_memory(std::span<MemoryRange> ranges)
{
    std::size_t count = 0;
    for (const MemoryRange& range : address_range.sections())
        if (count < ranges.size()) ranges[count++] = range;
    count += list_note_memory(ranges.subspan(count));
    return count + fallback_backend(FallbackKind::mmap)->own_memory(ranges.subspan(count));
}

} // namespace tarn
