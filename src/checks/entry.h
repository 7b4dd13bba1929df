// SPDX-License-Identifier: MIT
//
// Where calls of the program's enter the heap that checks them: a stay on the slow path, around
// what that heap does with a block.

#pragma once

#include "src/base/block_checks.h"
#include "src/heap/emergency.h"
#include "src/heap/slow_path.h"
#include "src/heap/stay.h"

namespace tarn {

/// BlockChecks::enter_allocate, of a heap that allocates within a slow path.
template <auto kAllocate>
[[gnu::always_inline]] inline void* enter_allocate(std::size_t size, std::size_t alignment)
{
    const SlowPath path;
    void* const block =
        path.entered() ? kAllocate({size, alignment, false}) : emergency::allocate(size, alignment);
    return block != nullptr ? block : out_of_memory();
}

/// BlockChecks::enter_deallocate.
template <auto kDeallocate, auto kDeallocateOutside>
void enter_deallocate(void* block, BlockKind kind)
{
    if (!address_range.contains(block) && emergency::owns(block)) [[unlikely]]
        return emergency::release(block);
    const SlowPath path;
    // Any lock may be held by what this signal handler interrupted: the block stays.
    if (!path.entered()) [[unlikely]]
        return kDeallocateOutside(block);
    kDeallocate({block, kind});
}

} // namespace tarn
