// SPDX-License-Identifier: MIT
//
// A place that allocates, as a report lists it.

#pragma once

#include <cstddef>
#include <cstdint>

#include "tracer/advice.h"
#include "tracer/slab_account.h"
#include "tracer/stack_trie.h"
#include "tracer/tags.h"

namespace tarn {

/// Sites whose stacks differ only in how often they go round.
struct Place {
    std::uint64_t key; // of its stack, see folded_key()
    TraceId trace;     // of the site that held the most at the peak
    std::uint64_t most;
    std::uint64_t allocations;
    std::uint64_t bytes;
    std::uint64_t temporary; // freed before the same thread's next allocation
    std::uint64_t peak_blocks;
    std::uint64_t peak_bytes;
    std::uint64_t live_blocks;
    std::uint64_t live_bytes;
    std::uint64_t samples; // that all this is estimated from; 0: it is exact
    std::uint64_t resizes;
    std::uint64_t freed_elsewhere; // by another thread
    SparseSlabs sparse;            // that its blocks keep
    std::uint64_t kept_empty;      // bytes of these
    Advice advice;
    std::uint64_t spared; // calls, if it were followed
    std::size_t number;   // of its site; later of its figures
    TagId tag;
};

} // namespace tarn
