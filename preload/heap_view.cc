// SPDX-License-Identifier: MIT

#include "preload/heap_view.h"

#include "src/checks/checked_heap.h"
#include "src/heap/heap_walk.h"
#include "src/heap/live_blocks.h"
#include "src/heap/observed.h"
#include "src/heap/statistics.h"
#include "src/include/tarn/malloc.h"

namespace tarn {

namespace {

HeapTotals totals()
{
    tarn_statistics now{};
    collect_statistics(now);
    return {.allocations = now.allocations + resizes_so_far(),
            .frees = now.frees + resizes_so_far() + blocks_held_back(),
            .rounding = now.rounding};
}

} // namespace

constinit const HeapView heap_view{.hold = hold_heap,
                                   .release = release_heap,
                                   .for_each_live = for_each_live_block,
                                   .own_memory = list_own_memory,
                                   .totals = totals,
                                   .for_each_slab = walk_slabs,
                                   .for_each_memory = list_memory,
                                   .pressure = pressure_so_far};

} // namespace tarn
