// SPDX-License-Identifier: MIT
//
// Guards scratch, stacks and room within the object.
//
// Expected order: scratch as the arena it is made of; a hit of the stack fallback as the arena; a
// pair of the stack, which checks its order and is no inline function, well below malloc and free.

#include <memory_resource>
#include <optional>

#include <tarn/scratch_resource.h>
#include <tarn/stack_fallback_resource.h>
#include <tarn/stack_resource.h>

#include "bench/resources/rounds.h"

namespace {

using bench::run_rounds;

void scratch(benchmark::State& state)
{
    tarn::ScratchResource here({.keep = bench::kRoom});
    auto* const scratch = bench::out_of_sight(&here);
    run_rounds(
        state, [&](std::size_t bytes) { return scratch->allocate(bytes, 16); },
        [&] { scratch->reset(); });
}

void stack_fallback_hit(benchmark::State& state)
{
    using Fallback = tarn::StackFallbackResource<bench::kRoom>;
    static std::optional<Fallback> here;
    here.emplace();
    auto* const resource = bench::out_of_sight(&*here);
    static void* blocks[bench::kBlocksOfARound];
    const auto size = static_cast<std::size_t>(state.range(0));
    std::size_t count = 0;
    run_rounds(
        state, [&](std::size_t bytes) { return blocks[count++] = resource->allocate(bytes, 16); },
        [&] {
            while (count > 0)
                resource->deallocate(blocks[--count], size, 16);
        });
}

template <class Resource> void pairs_of(benchmark::State& state, Resource& here)
{
    auto* const resource = bench::out_of_sight<Resource>(&here);
    const auto bytes = static_cast<std::size_t>(state.range(0));
    for ([[maybe_unused]] auto _ : state) {
        void* block = resource->allocate(bytes, 16);
        *static_cast<volatile std::byte*>(block) = std::byte{1};
        benchmark::DoNotOptimize(block);
        resource->deallocate(block, bytes, 16);
    }
    state.counters["per_block"] = bench::per_block(1);
}

void pair_of_a_stack(benchmark::State& state)
{
    tarn::StackResource stack;
    pairs_of(state, stack);
}

void pair_of_a_high_end(benchmark::State& state)
{
    tarn::DoubleEndedStack stack;
    pairs_of(state, stack.high());
}

void pair_of_an_arena(benchmark::State& state)
{
    tarn::ArenaResource arena;
    pairs_of(state, arena);
}

void pair_of_a_stack_fallback(benchmark::State& state)
{
    tarn::StackFallbackResource<4096> resource;
    pairs_of(state, resource);
}

void pair_of_std_unsynchronized_pool(benchmark::State& state)
{
    std::pmr::unsynchronized_pool_resource pool;
    pairs_of<std::pmr::memory_resource>(state, pool);
}

void malloc_pair(benchmark::State& state)
{
    pairs_of<std::pmr::memory_resource>(state, *tarn::malloc_resource());
}

} // namespace

BENCHMARK(scratch)->Apply(bench::sizes);
BENCHMARK(stack_fallback_hit)->Apply(bench::sizes);
BENCHMARK(bench::malloc_and_free)->Name("malloc_and_free")->Apply(bench::sizes);
BENCHMARK(pair_of_an_arena)->Arg(64);
BENCHMARK(pair_of_a_stack_fallback)->Arg(64);
BENCHMARK(pair_of_a_stack)->Arg(64);
BENCHMARK(pair_of_a_high_end)->Arg(64);
BENCHMARK(pair_of_std_unsynchronized_pool)->Arg(64);
BENCHMARK(malloc_pair)->Arg(64);
BENCHMARK_MAIN();
