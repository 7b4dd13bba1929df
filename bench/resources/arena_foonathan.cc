// SPDX-License-Identifier: MIT
//
// foonathan/memory's counterparts of an arena and of a buffer. Debian builds them without checks.

#include <foonathan/memory/memory_stack.hpp>
#include <foonathan/memory/static_allocator.hpp>
#include <optional>

#include "bench/resources/rounds.h"

namespace {

namespace fm = foonathan::memory;

void foonathan_stack(benchmark::State& state)
{
    fm::memory_stack<> here(bench::kRoom);
    auto* const stack = bench::out_of_sight(&here);
    const auto bottom = stack->top();
    bench::run_rounds(
        state, [&](std::size_t bytes) { return stack->allocate(bytes, 16); },
        [&] { stack->unwind(bottom); });
}

// Its only way to give memory back within a round is to end.
void foonathan_stack_cold(benchmark::State& state)
{
    std::optional<fm::memory_stack<>> here(std::in_place, std::size_t{64} << 10);
    auto* const stack = bench::out_of_sight(&here);
    bench::run_rounds(
        state, [&](std::size_t bytes) { return (*stack)->allocate(bytes, 16); },
        [&] { stack->emplace(std::size_t{64} << 10); });
}

void foonathan_static(benchmark::State& state)
{
    static fm::static_allocator_storage<bench::kRoom> buffer;
    std::optional<fm::static_allocator> here(std::in_place, buffer);
    auto* const allocator = bench::out_of_sight(&here);
    bench::run_rounds(
        state, [&](std::size_t bytes) { return (*allocator)->allocate_node(bytes, 16); },
        [&] { allocator->emplace(buffer); });
}

} // namespace

BENCHMARK(foonathan_stack)->Apply(bench::sizes);
BENCHMARK(foonathan_stack_cold)->Apply(bench::sizes);
BENCHMARK(foonathan_static)->Apply(bench::sizes);
