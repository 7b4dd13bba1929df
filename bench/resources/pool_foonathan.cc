// SPDX-License-Identifier: MIT
//
// foonathan/memory's pools: of one size, and of several.

#include <foonathan/memory/memory_pool.hpp>
#include <foonathan/memory/memory_pool_collection.hpp>

#include "bench/resources/round_trips.h"

namespace {

namespace fm = foonathan::memory;

// Room for all blocks that are measured, as the pools beside it have.
constexpr std::size_t kRoom = std::size_t{8} << 20;

void foonathan_pool(benchmark::State& state)
{
    fm::memory_pool<> pool(64, kRoom);
    auto* pointer = &pool;
    benchmark::DoNotOptimize(pointer);
    bench::run_round_trips(
        state, [&] { return pool.allocate_node(); },
        [&](void* block) { pool.deallocate_node(block); });
}

// Of sizes that are powers of two, up to those of a slab.
void foonathan_collection(benchmark::State& state)
{
    fm::memory_pool_collection<fm::node_pool, fm::log2_buckets> pools(4096, kRoom);
    auto* pointer = &pools;
    benchmark::DoNotOptimize(pointer);
    std::size_t bytes = 64;
    benchmark::DoNotOptimize(bytes);
    bench::run_round_trips(
        state, [&] { return pools.allocate_node(bytes); },
        [&](void* block) { pools.deallocate_node(block, bytes); });
}

} // namespace

BENCHMARK(foonathan_pool)->Apply(bench::counts);
BENCHMARK(foonathan_collection)->Apply(bench::counts);
