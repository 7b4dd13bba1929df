// SPDX-License-Identifier: MIT
//
// The ways through malloc and free where every block is observed. What slow_path.cc does for most
// blocks, without asking for what cannot be then: where the block lies is found once, and the
// calls between malloc and the observer, which a walk of the stack leaves first, are few.

#pragma once

#include <cstddef>

namespace tarn {

namespace detail {
inline constinit bool observes_pools = false;
} // namespace detail

/// Every block of the pools is observed, and the heap hands it out: see initialise_heap().
inline bool observes_pools()
{
    return detail::observes_pools;
}

/// As allocate_granted(), which it leaves to what is not for the pools, threads without a heap, and
/// signal handlers.
void* allocate_observed(std::size_t size, std::size_t padded, std::size_t alignment);

/// Frees a block of the pools, or tells of one that is free already. False: nothing is done; it is
/// not known, no block begins there, or this is the business of others as above.
bool deallocate_observed(void* block);

} // namespace tarn
