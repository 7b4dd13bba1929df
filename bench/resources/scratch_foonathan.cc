// SPDX-License-Identifier: MIT
//
// foonathan/memory's counterpart of scratch: the stack of the thread, to the end of a scope.

#include <foonathan/memory/temporary_allocator.hpp>
#include <optional>

#include "bench/resources/rounds.h"

namespace {

void foonathan_temporary(benchmark::State& state)
{
    const foonathan::memory::temporary_stack_initializer stack(bench::kRoom);
    std::optional<foonathan::memory::temporary_allocator> here;
    auto* const temporary = bench::out_of_sight(&here);
    temporary->emplace();
    bench::run_rounds(
        state, [&](std::size_t bytes) { return (*temporary)->allocate(bytes, 16); },
        [&] {
            temporary->reset();
            temporary->emplace();
        });
}

} // namespace

BENCHMARK(foonathan_temporary)->Apply(bench::sizes);
