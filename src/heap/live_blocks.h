// SPDX-License-Identifier: MIT
//
// The blocks that the program holds, found from what the heap knows: all that were ever carved,
// less those on free lists. Nothing is recorded for it while the program runs.

#pragma once

#include <cstddef>
#include <span>

#include "src/base/heap_view.h"

namespace tarn {

/// See HeapView::hold() and release(). The calling thread must not be on a slow path.
bool hold_heap();
void release_heap();

/// See HeapView::for_each_live(). Blocks of the fallback are seen only if it is the mmap back end.
/// Cost: a walk over all free lists, a bit for 16 bytes of them, and a visit for each block.
bool for_each_live_block(BlockVisitor visit, void* context);

/// See HeapView::own_memory().
std::size_t list_own_memory(std::span<MemoryRange> ranges);

} // namespace tarn
