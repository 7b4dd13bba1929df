// SPDX-License-Identifier: MIT

#include "src/heap/heap_walk.h"

#include <algorithm>
#include <array>

#include "src/fallback/fallback.h"
#include "src/heap/budget.h"
#include "src/heap/free_set.h"
#include "src/heap/heap_registry.h"
#include "src/heap/holes.h"
#include "src/heap/large.h"
#include "src/heap/observed.h"
#include "src/heap/pressure.h"

namespace tarn {

namespace {

constexpr std::size_t kMostBlocks = std::ranges::max(kSlabShapes, {}, [](const SlabShape& shape) {
                                        return shape.capacity;
                                    }).capacity;

/// One slab after the other, as others see it. It is too large for a stack; all zero will do.
class SlabWalk {
public:
    SlabView look_at(const Slab& slab, const FreeSet& free, const FreeSet& cached)
    {
        const SlabShape& shape = shape_of(slab.size_class);
        // Notes of others were never touched.
        const bool has_notes = is_observed(block_at(slab, 0));
        for (std::size_t index = 0; index < slab.carved; ++index) {
            const FreeBlock* const block = block_at(slab, index);
            SlabBlock& seen = blocks_[index];
            seen = {.size = 0, .trace = 0, .state = SlabBlock::State::free};
            if (cached.contains(block))
                seen.state = SlabBlock::State::cached;
            else if (!free.contains(block) && !is_absent(slab, block))
                seen = live(has_notes ? note_of(block) : BlockNote{}, shape);
        }
        const auto start = reinterpret_cast<std::uintptr_t>(address_range.slab_start(slab));
        return {.memory = {start, start + shape.granules * kGranule},
                .block_size = shape.block_size,
                .capacity = shape.capacity,
                .blocks = {blocks_.data(), slab.carved}};
    }

private:
    static SlabBlock live(const BlockNote& note, const SlabShape& shape)
    {
        const bool is_noted = note.trace != 0;
        return {.size = is_noted ? static_cast<std::uint32_t>(note.size) : shape.block_size,
                .trace = note.trace,
                .state = SlabBlock::State::live};
    }

    std::array<SlabBlock, kMostBlocks> blocks_;
};

constexpr std::size_t kWalkSize = round_up(sizeof(SlabWalk), os::kPageSize);

void add_to_set(void* set, const FreeBlock* list)
{
    static_cast<FreeSet*>(set)->add_list(list);
}

} // namespace

bool walk_slabs(SlabVisitor visit, BlockVisitor visit_large, void* context)
{
    FreeSet free;
    FreeSet cached;
    auto* const walk = static_cast<SlabWalk*>(os::map(kWalkSize, os::kPageSize));
    if (!free.is_valid() || !cached.is_valid() || walk == nullptr) {
        if (walk != nullptr) os::unmap(walk, kWalkSize);
        return false;
    }
    for_each_slab([&](const Slab& slab) { add_returned(free, slab); });
    for (std::size_t id = 1; id <= heap_registry.count(); ++id)
        address_range.heap(id).for_each_free_list(add_to_set, &cached);
    for_each_slab([&](const Slab& slab) { visit(context, walk->look_at(slab, free, cached)); });
    os::unmap(walk, kWalkSize);
    struct Noting {
        BlockVisitor visit;
        void* context;
    } noting{visit_large, context};
    for_each_large(
        [](void* outer, LiveBlock block) {
            const auto& inner = *static_cast<Noting*>(outer);
            const BlockNote note = note_of(reinterpret_cast<const void*>(block.start));
            if (note.trace != 0) block.size = note.size;
            inner.visit(inner.context, block);
        },
        &noting);
    return true;
}

void list_memory(MemoryVisitor visit, void* context)
{
    const auto sections = address_range.sections();
    const std::size_t pooled = address_range.chunk_count() * kChunkSize;
    visit(context, {sections[0].start, sections[0].start + pooled}, MemoryUse::pools);
    for (std::size_t i = 1; i < sections.size(); ++i)
        visit(context, sections[i], MemoryUse::records);

    std::array<MemoryRange, 256> ranges;
    const std::size_t notes = list_note_memory(ranges);
    for (std::size_t i = 0; i < notes; ++i)
        visit(context, ranges[i], MemoryUse::notes);
    const FallbackBackend& mmap = *fallback_backend(FallbackKind::mmap);
    const std::size_t own = mmap.own_memory(ranges); // the first is its table
    for (std::size_t i = 0; i < own; ++i)
        visit(context, ranges[i], i == 0 ? MemoryUse::records : MemoryUse::kept);
    if (fallback != &mmap && fallback->own_memory != nullptr) {
        const std::size_t extents = fallback->own_memory(ranges);
        for (std::size_t i = 0; i < extents; ++i)
            visit(context, ranges[i], MemoryUse::large);
    }
    for (std::size_t id = 1; id <= heap_registry.count(); ++id) {
        const Heap& heap = address_range.heap(id);
        const auto thread = reinterpret_cast<std::uintptr_t>(heap.thread());
        if (heap.state() == HeapState::attached && thread != 0)
            visit(context, {thread, thread + 1}, MemoryUse::thread);
    }
}

Pressure pressure_so_far()
{
    return {.failures = pressure_counters.failures.get(),
            .limit = pressure_counters.limit.get(),
            .system = pressure_counters.system.get(),
            .trims = pressure_counters.trims.get(),
            .drainings = pressure_counters.drainings.get(),
            .most_bytes = budget.limit()};
}

} // namespace tarn
