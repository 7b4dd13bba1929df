// SPDX-License-Identifier: MIT
//
// Guards the price of what is put over a resource: each row less that of `upstream`, or of
// `slab_below`, which is under the synchronized ones. All by virtual calls, 64 bytes.
//
// Expected order: upstream < counting < canary, limit < smart < debug; and slab < segregating,
// strategy < fallback < synchronized.

#include <array>
#include <cstdlib>
#include <memory_resource>

#include <tarn/canary_resource.h>
#include <tarn/counting_resource.h>
#include <tarn/debug_resource.h>
#include <tarn/fallback_resource.h>
#include <tarn/group_resource.h>
#include <tarn/limit_resource.h>
#include <tarn/profiling_resource.h>
#include <tarn/slab_resource.h>
#include <tarn/smart_allocator.h>
#include <tarn/strategy.h>
#include <tarn/synchronized_resource.h>
#include <tarn/tracing_resource.h>

#include "bench/resources/round_trips.h"

namespace {

using bench::run_round_trips;

void run(benchmark::State& state, std::pmr::memory_resource& resource)
{
    bench::run_resource(state, resource);
}

// Of std::pmr without a wrapper, and without the alignment that ours take care of.
void malloc_and_free(benchmark::State& state)
{
    run_round_trips(
        state, [] { return std::malloc(64); }, [](void* block) { std::free(block); });
}

void upstream(benchmark::State& state)
{
    run(state, *tarn::malloc_resource());
}

void counting(benchmark::State& state)
{
    tarn::CountingResource resource;
    run(state, resource);
}

void limit(benchmark::State& state)
{
    tarn::Budget budget(tarn::BudgetOptions::of(std::size_t{1} << 30));
    tarn::LimitResource resource(budget);
    run(state, resource);
}

void limit_of_two_levels(benchmark::State& state)
{
    tarn::Budget all(tarn::BudgetOptions::of(std::size_t{1} << 30));
    tarn::Budget part(tarn::BudgetOptions::of(std::size_t{1} << 30), &all);
    tarn::LimitResource resource(part);
    run(state, resource);
}

void canary(benchmark::State& state)
{
    tarn::CanaryResource resource({.poison = false});
    run(state, resource);
}

void canary_and_poison(benchmark::State& state)
{
    tarn::CanaryResource resource;
    run(state, resource);
}

void debug(benchmark::State& state)
{
    tarn::DebugResource resource({.stack_depth = 0});
    run(state, resource);
}

void debug_with_calls(benchmark::State& state)
{
    tarn::DebugResource resource;
    run(state, resource);
}

void group(benchmark::State& state)
{
    tarn::GroupResource resource;
    run(state, resource);
}

void profiling(benchmark::State& state)
{
    tarn::ProfilingResource resource;
    run(state, resource);
}

// No trace is being made, as mostly.
void tracing(benchmark::State& state)
{
    tarn::TracingResource resource("bench");
    run(state, resource);
}

void slab_below(benchmark::State& state)
{
    tarn::SlabResource slab;
    run(state, slab);
}

void synchronized(benchmark::State& state)
{
    tarn::SlabResource slab;
    tarn::SynchronizedResource resource(slab);
    run(state, resource);
}

void fallback(benchmark::State& state)
{
    tarn::SlabResource slab;
    tarn::FallbackResource resource(slab);
    run(state, resource);
}

void segregating(benchmark::State& state)
{
    tarn::SlabResource slab;
    tarn::SegregatingResource resource(1024, slab, *tarn::malloc_resource());
    run(state, resource);
}

// The row is looked up once.
void strategy(benchmark::State& state)
{
    tarn::SlabResource slab;
    tarn::StrategyManager manager({{.name = "small", .largest = 64, .resource = &slab}});
    run(state, manager.resource_for({.largest = 64}));
}

// It is looked up for each block, in a table whose last row serves.
void strategy_for_each(benchmark::State& state)
{
    tarn::SlabResource slab;
    tarn::StrategyManager manager(
        {{.name = "names", .lifetime = tarn::Use::Lifetime::process},
         {.name = "buffers", .content = tarn::Use::Content::buffers},
         {.name = "shared", .threads = tarn::Use::Threads::shared, .resource = &slab},
         {.name = "small", .largest = 64, .resource = &slab}});
    tarn::Use use = {.largest = 64};
    benchmark::DoNotOptimize(use);
    run_round_trips(
        state, [&] { return manager.resource_for(use).allocate(64); },
        [&](void* block) { manager.resource_for(use).deallocate(block, 64); });
}

void run_intent(benchmark::State& state, tarn::Intent intent)
{
    tarn::SmartAllocator memory;
    memory.begin_frame();
    run_round_trips(
        state, [&] { return memory.allocate(intent, 64); },
        [&](void* block) { memory.deallocate(block, 64); });
    memory.end_frame();
}

void smart_pool(benchmark::State& state)
{
    run_intent(state, tarn::Intent::pool);
}
void smart_heap(benchmark::State& state)
{
    run_intent(state, tarn::Intent::heap);
}

// Blocks of a frame go with it.
void smart_frame(benchmark::State& state)
{
    tarn::SmartAllocator memory({.frame = {.marks = false}});
    const auto count = static_cast<std::size_t>(state.range(0));
    for ([[maybe_unused]] auto _ : state) {
        memory.begin_frame();
        for (std::size_t i = 0; i < count; ++i) {
            void* const block = memory.allocate(tarn::Intent::frame, 64);
            *static_cast<volatile std::byte*>(block) = std::byte{1};
        }
        memory.end_frame();
    }
    state.counters["per_block"] = bench::per_block(count);
}

/// What most blocks of a program are: some in use at once.
void counts(benchmark::internal::Benchmark* benchmark)
{
    benchmark->ArgName("live")->Arg(1)->Arg(100);
}

} // namespace

BENCHMARK(malloc_and_free)->Apply(counts);
BENCHMARK(upstream)->Apply(counts);
BENCHMARK(counting)->Apply(counts);
BENCHMARK(limit)->Apply(counts);
BENCHMARK(limit_of_two_levels)->Apply(counts);
BENCHMARK(canary)->Apply(counts);
BENCHMARK(canary_and_poison)->Apply(counts);
BENCHMARK(group)->Apply(counts);
BENCHMARK(profiling)->Apply(counts);
BENCHMARK(tracing)->Apply(counts);
BENCHMARK(debug)->Apply(counts);
BENCHMARK(debug_with_calls)->Apply(counts);
BENCHMARK(slab_below)->Apply(counts);
BENCHMARK(segregating)->Apply(counts);
BENCHMARK(fallback)->Apply(counts);
BENCHMARK(synchronized)->Apply(counts);
BENCHMARK(strategy)->Apply(counts);
BENCHMARK(strategy_for_each)->Apply(counts);
BENCHMARK(smart_pool)->Apply(counts);
BENCHMARK(smart_heap)->Apply(counts);
BENCHMARK(smart_frame)->Apply(counts);
BENCHMARK_MAIN();
