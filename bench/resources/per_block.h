// SPDX-License-Identifier: MIT

#pragma once

#include <cstddef>

#include <benchmark/benchmark.h>

namespace bench {

/// The time of one of `count` blocks, objects or whatever else an iteration goes through. With
/// several threads each sets it, which kAvgThreads makes one of: CPU time of all together, for one.
inline benchmark::Counter per_block(std::size_t count)
{
    using benchmark::Counter;
    return {static_cast<double>(count),
            Counter::kIsIterationInvariantRate | Counter::kAvgThreads | Counter::kInvert};
}

} // namespace bench
