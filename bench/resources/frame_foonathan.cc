// SPDX-License-Identifier: MIT
//
// foonathan/memory's counterpart of a frame: blocks live for one turn of a loop.

#include <foonathan/memory/iteration_allocator.hpp>

#include "bench/resources/rounds.h"

namespace {

// One stack, so that blocks go at the end of their turn, as those of a frame do.
void foonathan_iteration(benchmark::State& state)
{
    foonathan::memory::iteration_allocator<1> here(bench::kRoom);
    auto* const frames = bench::out_of_sight(&here);
    bench::run_rounds(
        state, [&](std::size_t bytes) { return frames->allocate(bytes, 16); },
        [&] { frames->next_iteration(); });
}

} // namespace

BENCHMARK(foonathan_iteration)->Apply(bench::sizes);
