// SPDX-License-Identifier: MIT
//
// Guards the inline path of FixedPoolResource, and the pools of several sizes. per_block is the
// time of one block: allocated, touched, given back.
//
// Expected order: free list by hand <= fixed pool (at most 1.2 times) < slab, thread cached <
// std::pmr's pools; malloc between.

#include <cstdlib>
#include <memory_resource>

#include <tarn/buffer_pool.h>
#include <tarn/fixed_pool_resource.h>
#include <tarn/heap_resource.h>
#include <tarn/object_pool.h>
#include <tarn/slab_resource.h>
#include <tarn/synchronized_resource.h>
#include <tarn/thread_cached_pool.h>

#include "bench/resources/round_trips.h"

namespace {

using bench::run_round_trips;

void free_list_by_hand(benchmark::State& state)
{
    bench::HandWrittenFreeList list(64, 1 << 16);
    auto* pointer = &list; // in memory, as the pools are
    benchmark::DoNotOptimize(pointer);
    run_round_trips(
        state, [&] { return list.pop(); }, [&](void* block) { list.push(block); });
}

void fixed_pool(benchmark::State& state)
{
    tarn::FixedPoolResource pool({.blocks = 1 << 16});
    auto* pointer = &pool;
    benchmark::DoNotOptimize(pointer);
    run_round_trips(
        state, [&] { return pool.allocate(64); }, [&](void* block) { pool.deallocate(block, 64); });
}

// As the node of a list or map: its alignment is known when this is compiled.
void fixed_pool_node(benchmark::State& state)
{
    tarn::FixedPoolResource pool({.alignment = 8, .blocks = 1 << 16});
    auto* pointer = &pool;
    benchmark::DoNotOptimize(pointer);
    run_round_trips(
        state, [&] { return pool.allocate(64, 8); },
        [&](void* block) { pool.deallocate(block, 64, 8); });
}

void fixed_pool_block(benchmark::State& state)
{
    tarn::FixedPoolResource pool({.blocks = 1 << 16});
    auto* pointer = &pool;
    benchmark::DoNotOptimize(pointer);
    run_round_trips(
        state, [&] { return pool.try_allocate_block(); },
        [&](void* block) { pool.deallocate_block(block); });
}

/// As a container does, which knows only std::pmr::memory_resource.
void run_resource(benchmark::State& state, std::pmr::memory_resource& some)
{
    std::pmr::memory_resource* volatile hidden = &some; // so that the call stays virtual
    std::pmr::memory_resource* const resource = hidden;
    run_round_trips(
        state, [&] { return resource->allocate(64); },
        [&](void* block) { resource->deallocate(block, 64); });
}

template <class Resource> void virtual_call(benchmark::State& state)
{
    Resource resource;
    run_resource(state, resource);
}

void synchronized_slab(benchmark::State& state)
{
    tarn::SlabResource slab;
    tarn::SynchronizedResource resource(slab);
    run_resource(state, resource);
}

/// One for all threads of the benchmark.
template <class Resource> void shared(benchmark::State& state)
{
    static Resource resource;
    run_resource(state, resource);
}

void shared_malloc(benchmark::State& state)
{
    run_round_trips(
        state, [] { return std::malloc(64); }, [](void* block) { std::free(block); });
}

} // namespace

// The blocks in use at once: one that is warm, a few, and more than the second-level cache holds.
BENCHMARK(free_list_by_hand)->Arg(1)->Arg(100)->Arg(30'000);
BENCHMARK(fixed_pool)->Arg(1)->Arg(100)->Arg(30'000);
BENCHMARK(fixed_pool_node)->Arg(1)->Arg(100)->Arg(30'000);
BENCHMARK(fixed_pool_block)->Arg(1)->Arg(100)->Arg(30'000);
BENCHMARK_TEMPLATE(virtual_call, tarn::FixedPoolResource)->Arg(1)->Arg(100)->Arg(30'000);
BENCHMARK_TEMPLATE(virtual_call, tarn::SlabResource)->Arg(1)->Arg(100)->Arg(30'000);
BENCHMARK_TEMPLATE(virtual_call, tarn::BufferPool)->Arg(1)->Arg(100)->Arg(30'000);
BENCHMARK_TEMPLATE(virtual_call, tarn::ThreadCachedPool)->Arg(1)->Arg(100)->Arg(30'000);
BENCHMARK_TEMPLATE(virtual_call, tarn::HeapResource)->Arg(1)->Arg(100)->Arg(30'000);
BENCHMARK(synchronized_slab)->Arg(1)->Arg(100);
BENCHMARK_TEMPLATE(virtual_call, std::pmr::unsynchronized_pool_resource)
    ->Arg(1)
    ->Arg(100)
    ->Arg(30'000);
BENCHMARK(shared_malloc)->Arg(1)->Arg(100)->Arg(30'000);
BENCHMARK_TEMPLATE(shared, tarn::ThreadCachedPool)->Arg(100)->ThreadRange(1, 4)->UseRealTime();
BENCHMARK_TEMPLATE(shared, tarn::HeapResource)->Arg(100)->ThreadRange(1, 4)->UseRealTime();
BENCHMARK_TEMPLATE(shared, std::pmr::synchronized_pool_resource)
    ->Arg(100)
    ->ThreadRange(1, 4)
    ->UseRealTime();
BENCHMARK(shared_malloc)->Arg(100)->ThreadRange(1, 4)->UseRealTime();
BENCHMARK_MAIN();
