// SPDX-License-Identifier: MIT

#include "src/heap/statistics.h"

#include <algorithm>

#include "src/heap/budget.h"
#include "src/heap/heap_registry.h"
#include "src/heap/large.h"
#include "src/heap/page_heap.h"
#include "src/heap/slow_path.h"
#include "src/include/tarn/malloc.h"
#include "src/os/memory.h"

namespace tarn {

namespace {

/// a - b, or 0 where a running thread has changed one of the two in between.
std::uint64_t difference(std::uint64_t a, std::uint64_t b)
{
    return a > b ? a - b : 0;
}

/// Reads counters that their thread may be changing; a torn figure is the worst that happens.
[[gnu::no_sanitize("thread")]] void add(ClassStatistics& sum, const Heap& heap,
                                        SizeClass size_class)
{
    const ClassState state = heap.state_of(size_class);
    const Bin bin = heap.bin_of(size_class);
    const std::uint64_t pushes = state.pushes + static_cast<std::uint64_t>(bin.pushes());
    const std::int64_t cached = heap.room_when_empty(size_class) - bin.room() - state.armed_room;
    const std::uint64_t loaded = heap.is_split() ? heap.loaded_count(size_class) : 0;
    const std::uint64_t freed = heap.is_split() ? heap.freed_count(size_class) : 0;
    const std::uint64_t in_bin = (cached > 0 ? static_cast<std::uint64_t>(cached) : 0) + loaded;

    sum.allocations += difference(state.refilled + state.direct + pushes, in_bin);
    const std::uint64_t elsewhere = heap.freed_elsewhere(size_class);
    sum.frees += pushes + state.unbinned + elsewhere + freed;
    sum.misses += state.misses;
    sum.spilled += state.spilled;
    sum.remote += state.received;
    sum.sent += elsewhere;
    sum.cached += in_bin + freed;
    sum.in_slabs += state.idle_blocks();
    sum.slabs += state.slabs;
    sum.untouched +=
        difference(std::uint64_t{state.slabs} * shape_of(size_class).capacity, state.carved) +
        state.absent;
    sum.live += difference(state.carved, in_bin + freed + state.in_slabs);
    sum.requested += state.requested;
}

} // namespace

ClassStatistics class_statistics(SizeClass size_class)
{
    ClassStatistics sum;
    heap_registry.for_each([&](const Heap& heap) { add(sum, heap, size_class); });
    const std::uint64_t strays = strays_sent(size_class);
    sum.frees += strays;
    sum.in_transit = difference(sum.sent + strays, sum.remote);
    sum.live = difference(sum.live, sum.in_transit);
    if (sum.misses != 0)
        sum.rounding = sum.live * difference(block_size(size_class), sum.requested / sum.misses);
    return sum;
}

void collect_statistics(tarn_statistics& statistics)
{
    if (Heap* const heap = this_thread_cache().heap) heap->settle();
    const std::size_t size = statistics.size;
    statistics = {};
    statistics.size = size;
    for (std::size_t index = 0; index < kSizeClassCount; ++index) {
        const auto size_class = static_cast<SizeClass>(index);
        const ClassStatistics sum = class_statistics(size_class);
        const std::size_t block = block_size(size_class);
        statistics.allocations += sum.allocations;
        statistics.frees += sum.frees;
        statistics.misses += sum.misses;
        statistics.spilled += sum.spilled;
        statistics.remote_frees += sum.remote;
        statistics.live += sum.live * block;
        statistics.rounding += sum.rounding;
        statistics.cached += sum.cached * block;
        statistics.free_in_slabs += (sum.in_slabs + sum.in_transit) * block;
        statistics.untouched += sum.untouched * block;
        statistics.slabs += sum.slabs;
    }
    const std::uint64_t large_live = large_counters.live.load(std::memory_order_relaxed);
    statistics.fallback_allocations = large_counters.allocations.load(std::memory_order_relaxed);
    statistics.allocations += statistics.fallback_allocations;
    statistics.misses += statistics.fallback_allocations;
    statistics.frees += large_counters.frees.load(std::memory_order_relaxed);
    statistics.unknown_frees = unknown_frees();
    statistics.live += large_live;
    statistics.fallback_live = large_live;
    statistics.fallback_free = large_free();
    statistics.free_dirty = page_heap.dirty();
    statistics.metadata = address_range.metadata_committed();
    statistics.peak = budget.peak();
    statistics.purged = page_heap.purged();
    statistics.heaps = heap_registry.count();
    statistics.limit = budget.limit();

    const os::ProcessMemory memory = os::process_memory();
    statistics.resident = memory.resident;
    statistics.peak_resident = memory.peak_resident;
    statistics.minor_faults = memory.minor_faults;
    statistics.major_faults = memory.major_faults;
}

} // namespace tarn
