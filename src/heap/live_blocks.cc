// SPDX-License-Identifier: MIT

#include "src/heap/live_blocks.h"

#include "src/fallback/fallback.h"
#include "src/heap/free_set.h"
#include "src/heap/heap_registry.h"
#include "src/heap/holes.h"
#include "src/heap/large.h"
#include "src/heap/observed.h"

namespace tarn {

namespace {

struct Visit {
    BlockVisitor visit;
    void* context;
};

/// Goes on to the Visit that `outer` is with what is remembered of a block of the program's.
void visit_noted(void* outer, LiveBlock block)
{
    if (const BlockNote note = note_of(reinterpret_cast<const void*>(block.start)); note.trace != 0)
        block = {block.start, note.size, note.trace, static_cast<std::uint32_t>(note.born)};
    const Visit& visit = *static_cast<Visit*>(outer);
    visit.visit(visit.context, block);
}

/// Of the heap's block, if the program has it.
void visit_if_live(void* outer, LiveBlock block)
{
    if (settings.checks == nullptr || settings.checks->find_live(block)) visit_noted(outer, block);
}

template <class Visit> void for_each_carved(Visit visit)
{
    for_each_slab([&](const Slab& slab) {
        for (std::size_t index = 0; index < slab.carved; ++index)
            visit(slab, block_at(slab, index));
    });
}

void visit_pooled(void* noting, const Slab& slab, const FreeBlock* block)
{
    visit_if_live(noting,
                  {reinterpret_cast<std::uintptr_t>(block), shape_of(slab.size_class).block_size});
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

namespace {

/// All of the pools but those that are on some free list. Errors: false, no memory.
bool visit_all_but_free(Visit& noting)
{
    FreeSet free;
    if (!free.is_valid()) return false;
    for_each_slab([&](const Slab& slab) { add_returned(free, slab); });
    const auto add = [](void* set, const FreeBlock* list) {
        static_cast<FreeSet*>(set)->add_list(list);
    };
    for (std::size_t id = 1; id <= heap_registry.count(); ++id)
        address_range.heap(id).for_each_free_list(add, &free);
    for_each_carved([&](const Slab& slab, const FreeBlock* block) {
        if (!free.contains(block) && !is_absent(slab, block)) visit_pooled(&noting, slab, block);
    });
    return true;
}

} // namespace

bool for_each_live_block(BlockVisitor visit, void* context)
{
    Visit noting{visit, context};
    if (settings.checks == nullptr) {
        if (!visit_all_but_free(noting)) return false;
    } else {
        // They know what is in use, even where a program has overwritten the links of free blocks.
        for_each_carved(
            [&](const Slab& slab, const FreeBlock* block) { visit_pooled(&noting, slab, block); });
    }
    for_each_large(visit_if_live, &noting);
    if (settings.checks != nullptr) settings.checks->for_each_apart(visit_noted, &noting);
    return true;
}

std::size_t list_own_memory(std::span<MemoryRange> ranges)
{
    std::size_t count = 0;
    for (const MemoryRange& range : address_range.sections())
        if (count < ranges.size()) ranges[count++] = range;
    count += list_note_memory(ranges.subspan(count));
    if (settings.checks != nullptr) {
        const std::span<MemoryRange> rest = ranges.subspan(count);
        count += settings.checks->own_memory(rest.data(), rest.size());
    }
    return count + fallback_backend(FallbackKind::mmap)->own_memory(ranges.subspan(count));
}

} // namespace tarn
