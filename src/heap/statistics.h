// SPDX-License-Identifier: MIT
//
// Statistics: what the heaps' slow paths and the bins' accounts add up to.
//
// Nothing is counted for their sake on the fast path; Bin::account counts pushes, and everything
// else follows: blocks that went into bins, less those there now, plus pushes, were popped.

#pragma once

#include <cstddef>
#include <cstdint>

#include "src/heap/size_class.h"

struct tarn_statistics;

namespace tarn {

/// One size class, summed over all heaps. Counts are blocks.
struct ClassStatistics {
    std::uint64_t allocations = 0;
    std::uint64_t frees = 0;
    std::uint64_t misses = 0;
    std::uint64_t spilled = 0;
    std::uint64_t remote = 0;     // freed by other threads and home again
    std::uint64_t sent = 0;       // freed by other threads
    std::uint64_t in_transit = 0; // of these, not home yet
    std::uint64_t requested = 0;  // bytes asked for by the requests that missed
    std::uint64_t live = 0;
    std::uint64_t cached = 0;
    std::uint64_t in_slabs = 0;
    std::uint64_t untouched = 0;
    std::uint64_t slabs = 0;
    std::uint64_t rounding = 0; // bytes of live blocks, estimated from the requests that missed
};

/// Thread safety: any; figures of running threads are a moment old and so may not add up exactly.
ClassStatistics class_statistics(SizeClass size_class);

/// Everything together; `size` is left alone.
void collect_statistics(tarn_statistics& statistics);

} // namespace tarn
