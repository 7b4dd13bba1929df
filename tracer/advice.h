// SPDX-License-Identifier: MIT
//
// Advice: what a place that allocates could do instead, as far as its figures say.
//
// What it would be used for is told from the figures; the rest is what recommend() of
// <tarn/recommend.h> says of such a use: the name of the advice, which stays, for tools to look
// for, and which type of the library serves it. What is spared is counted in calls of malloc, free
// and realloc; copying 256 bytes counts as one, because it takes about as long (20 to 30 ns; 10
// GB/s).

#pragma once

#include <cstdint>

#include "src/base/print.h"

namespace tarn {

struct AdviceFigures {
    std::uint64_t allocations; // of these all but the next two are a part
    std::uint64_t resizes;     // blocks that realloc() had made of others
    std::uint64_t copied;      // bytes, by that
    std::uint64_t temporary;   // freed before the thread's next allocation; of a sample: at once
    std::uint64_t freed_elsewhere;
    std::uint64_t peak_blocks; // in use when the process had most in use
    std::uint64_t live_blocks; // at the end
    std::uint64_t smallest;    // bytes asked for
    std::uint64_t largest;
    std::uint64_t error = 0; // of a sample: percent by which the counts are off, see SiteFigures
};

struct Advice {
    enum class Kind : std::uint8_t { none, reserve, buffer, arena, pool, handback };

    Kind kind;
    std::uint64_t spared; // calls
};

/// The one that spares most; `none` if it would be less than a thousand calls, or if a sample is
/// too small to say: a hundred blocks of one size tell the number to a fifth.
Advice advise(const AdviceFigures& figures);

/// "pool: 1234 blocks of nearly one size, 40 B, come and go; a pool of objects would do;
/// ObjectPool<T> from <tarn/object_pool.h> saves about 617 calls".
void print_advice(Printer& out, Advice advice, const AdviceFigures& figures);

} // namespace tarn
