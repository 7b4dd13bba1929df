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

template <class Resource> void virtual_call(benchmark::State& state)
{
    Resource resource;
    bench::run_resource<std::pmr::memory_resource>(state, resource);
}

void synchronized_slab(benchmark::State& state)
{
    tarn::SlabResource slab;
    tarn::SynchronizedResource resource(slab);
    bench::run_resource<std::pmr::memory_resource>(state, resource);
}

/// With memory that is new to it.
template <class Resource> void cold(benchmark::State& state)
{
    bench::run_cold<std::pmr::memory_resource, Resource>(state);
}

template <class Resource> void buffers(benchmark::State& state)
{
    Resource resource;
    bench::run_buffers<std::pmr::memory_resource>(state, resource);
}

void malloc_buffers(benchmark::State& state)
{
    bench::run_buffers(state, *tarn::malloc_resource());
}

void malloc_and_free(benchmark::State& state)
{
    run_round_trips(
        state, [] { return std::malloc(64); }, [](void* block) { std::free(block); });
}

} // namespace

BENCHMARK(free_list_by_hand)->Apply(bench::counts);
BENCHMARK(fixed_pool)->Apply(bench::counts);
BENCHMARK(fixed_pool_node)->Apply(bench::counts);
BENCHMARK(fixed_pool_block)->Apply(bench::counts);
BENCHMARK_TEMPLATE(virtual_call, tarn::FixedPoolResource)->Apply(bench::counts);
BENCHMARK_TEMPLATE(virtual_call, tarn::SlabResource)->Apply(bench::counts);
BENCHMARK_TEMPLATE(virtual_call, tarn::BufferPool)->Apply(bench::counts);
BENCHMARK_TEMPLATE(virtual_call, tarn::ThreadCachedPool)->Apply(bench::counts);
BENCHMARK_TEMPLATE(virtual_call, tarn::HeapResource)->Apply(bench::counts);
BENCHMARK(synchronized_slab)->Apply(bench::counts);
BENCHMARK_TEMPLATE(virtual_call, std::pmr::unsynchronized_pool_resource)->Apply(bench::counts);
BENCHMARK(malloc_and_free)->Apply(bench::counts);
BENCHMARK_TEMPLATE(cold, tarn::FixedPoolResource)->Apply(bench::cold_counts);
BENCHMARK_TEMPLATE(cold, tarn::SlabResource)->Apply(bench::cold_counts);
BENCHMARK_TEMPLATE(cold, tarn::BufferPool)->Apply(bench::cold_counts);
BENCHMARK_TEMPLATE(cold, tarn::ThreadCachedPool)->Apply(bench::cold_counts);
BENCHMARK_TEMPLATE(cold, std::pmr::unsynchronized_pool_resource)->Apply(bench::cold_counts);
BENCHMARK_TEMPLATE(buffers, tarn::BufferPool)->Apply(bench::buffer_sizes);
BENCHMARK_TEMPLATE(buffers, std::pmr::unsynchronized_pool_resource)->Apply(bench::buffer_sizes);
BENCHMARK(malloc_buffers)->Apply(bench::buffer_sizes);
BENCHMARK_MAIN();
