// SPDX-License-Identifier: MIT
//
// What the allocator's memory is used for: slab by slab, and range by range.

#pragma once

#include "src/base/heap_view.h"

namespace tarn {

/// See HeapView::for_each_slab(). Blocks of the fallback are seen only if it is the mmap back end.
/// Cost: as for_each_live_block().
bool walk_slabs(SlabVisitor visit, BlockVisitor visit_large, void* context);

/// See HeapView::for_each_memory().
void list_memory(MemoryVisitor visit, void* context);

/// See HeapView::pressure().
Pressure pressure_so_far();

} // namespace tarn
