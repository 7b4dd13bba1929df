// SPDX-License-Identifier: MIT
//
// START HERE: the fast path of malloc.
//
//      malloc (preload/c_api.cc)
//        allocate
//          pop (thread_cache.h)            the bin of the size class has a block: done
//          allocate_slow (slow_path.cc)    it has none
//            Heap::refill                  take blocks from the fullest slab, or a new one
//              PageHeap::allocate          granules for a new slab
//            allocate_large                above 1 MiB: the fallback

#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>

#include "src/heap/slow_path.h"
#include "src/heap/thread_cache.h"

namespace tarn {

/// For more than kMaxLinearSize bytes: as allocate(), the class is a few instructions further away.
/// Never inlined, so that malloc itself needs no stack frame.
[[gnu::noinline]] inline void* allocate_stepped(std::size_t size)
{
    if (size <= kMaxTabledSize) [[likely]] {
        if (void* const block = pop(this_thread_cache(), tabled_class_index(size))) [[likely]]
            return block;
    } else if (size <= kMaxPooledSize) {
        if (void* const block = pop(this_thread_cache(), stepped_class_index(size))) [[likely]]
            return block;
    }
    return allocate_slow(size);
}

/// Returns `size` bytes aligned to kMinAlignment; a block of its own also for 0.
/// Errors: nullptr, with errno set to ENOMEM. Only slow paths set errno.
/// Cost: 2 ns from the bin.
[[gnu::always_inline]] inline void* allocate(std::size_t size)
{
    if (size > kMaxLinearSize) [[unlikely]]
        return allocate_stepped(size);
    if (void* const block = pop(this_thread_cache(), linear_class_index(size))) [[likely]]
        return block;
    return allocate_slow(size);
}

/// As allocate(), the memory reads as zero.
inline void* allocate_zeroed(std::size_t size)
{
    if (size <= kMaxPooledSize) [[likely]] {
        const std::size_t index = index_of(size_class_for(size));
        if (void* const block = pop(this_thread_cache(), index)) [[likely]]
            return std::memset(block, 0, size);
    }
    return allocate_zeroed_slow(size);
}

/// Largest alignment that blocks of the pools can have: a run whose length is a power of two is
/// aligned to it.
inline constexpr std::size_t kMaxPooledAlignment = kMaxPooledSize;

/// The size with which to ask for a block so that it is aligned to `alignment`. Rounded up to the
/// alignment a size has a class all of whose blocks are aligned so: classes are multiples of an
/// eighth of their doubling, and a multiple of something larger is itself one of them. Beyond the
/// granule only powers of two are; the address space is all that this wastes.
constexpr std::size_t padded_for(std::size_t size, std::size_t alignment)
{
    if (alignment > kGranule) return std::bit_ceil(std::max(size, alignment));
    return round_up(size + (size == 0 ? 1 : 0), alignment);
}

/// As allocate(padded), of which only `size` bytes were asked for.
inline void* allocate_padded(std::size_t size, std::size_t padded)
{
    if (padded <= kMaxPooledSize) [[likely]] {
        const std::size_t index = index_of(size_class_for(padded));
        if (void* const block = pop(this_thread_cache(), index)) [[likely]]
            return block;
    }
    return allocate_padded_slow(size, padded);
}

/// As allocate(), aligned to `alignment`. Requires: it is a power of two.
inline void* allocate_aligned(std::size_t size, std::size_t alignment)
{
    if (size <= kMaxPooledSize && alignment <= kMaxPooledAlignment) [[likely]] {
        // Padded it fits as well: the largest size is a multiple of every such alignment.
        const std::size_t index = index_of(size_class_for(padded_for(size, alignment)));
        if (void* const block = pop(this_thread_cache(), index)) [[likely]]
            return block;
    }
    return allocate_aligned_slow(size, alignment);
}

} // namespace tarn
