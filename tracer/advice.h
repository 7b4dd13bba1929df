// SPDX-License-Identifier: MIT
//
// Advice: what a place that allocates could do instead, as far as its figures say.
//
// Each kind has a name that stays, for tools to look for. What is spared is counted in calls of
// malloc, free and realloc; copying 256 bytes counts as one, because it takes about as long (20 to
// 30 ns; 10 GB/s).

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

/// "reserve: 71 reallocs copied 3.9 MiB; ask for 782 KiB at once".
void print_advice(Printer& out, Advice::Kind kind, const AdviceFigures& figures);

} // namespace tarn
