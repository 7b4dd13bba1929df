// SPDX-License-Identifier: MIT
//
// The fast path of free: whose block is it, then push it or send it home.
//
//      free (preload/c_api.cc)
//        deallocate
//          push (thread_cache.h)           our own block, and the bin has room: done
//          deallocate_overflow             no room: Heap::free_local, to the slab
//          deallocate_slow                 another heap's: free_remote
//          deallocate_foreign              NULL, the fallback's, or nobody's

#pragma once

#include <cstddef>

#include "src/heap/slow_path.h"
#include "src/heap/thread_cache.h"

namespace tarn {

/// Frees a block of allocate() and its kin; NULL is nothing to free. Keeps errno.
/// Cost: 2 ns into the bin of the same thread, 5 ns for another thread's block. `kind`: whether it
/// is free() that was called, or operator delete; only checks want to know.
[[gnu::always_inline]] inline void deallocate(void* block, BlockKind kind = BlockKind::malloc)
{
    const std::size_t granule = address_range.granule_of(block);
    if (granule >= address_range.open_granules()) [[unlikely]]
        return deallocate_foreign(block, kind);

    // One comparison for two questions: if the owner ids are equal, what is left is the bin.
    ThreadCache& cache = this_thread_cache();
    const std::uint32_t index = address_range.descriptor(granule) ^ cache.self;
    if (index > 255) [[unlikely]]
        return deallocate_slow(block);
    if (!push(cache, index, block)) [[unlikely]]
        return deallocate_overflow(block);
}

/// Bytes that the program may use at `block`; 0 for NULL. At least what was asked for.
inline std::size_t usable_size(const void* block)
{
    const std::size_t granule = address_range.granule_of(block);
    if (granule >= address_range.open_granules()) [[unlikely]]
        return foreign_usable_size(block);
    return kSlabShapes[address_range.descriptor(granule) & 255].block_size;
}

} // namespace tarn
