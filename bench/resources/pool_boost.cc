// SPDX-License-Identifier: MIT
//
// Boost.Container's pools of several sizes, and Boost.Pool's of one.

#include <boost/container/pmr/synchronized_pool_resource.hpp>
#include <boost/container/pmr/unsynchronized_pool_resource.hpp>
#include <boost/pool/pool.hpp>

#include "bench/resources/round_trips.h"

namespace {

namespace pmr = boost::container::pmr;

template <class Resource> void boost_virtual(benchmark::State& state)
{
    Resource resource;
    bench::run_resource<pmr::memory_resource>(state, resource);
}

void boost_unsynchronized_cold(benchmark::State& state)
{
    bench::run_cold<pmr::memory_resource, pmr::unsynchronized_pool_resource>(state);
}

void boost_buffers(benchmark::State& state)
{
    pmr::unsynchronized_pool_resource resource;
    bench::run_buffers<pmr::memory_resource>(state, resource);
}

void boost_pool(benchmark::State& state)
{
    boost::pool<> pool(64, 1 << 16);
    auto* pointer = &pool;
    benchmark::DoNotOptimize(pointer);
    bench::run_round_trips(
        state, [&] { return pool.malloc(); }, [&](void* block) { pool.free(block); });
}

} // namespace

BENCHMARK_TEMPLATE(boost_virtual, pmr::unsynchronized_pool_resource)
    ->Name("boost_unsynchronized")
    ->Apply(bench::counts);
BENCHMARK_TEMPLATE(boost_virtual, pmr::synchronized_pool_resource)
    ->Name("boost_synchronized")
    ->Apply(bench::counts);
BENCHMARK(boost_pool)->Apply(bench::counts);
BENCHMARK(boost_unsynchronized_cold)->Apply(bench::cold_counts);
BENCHMARK(boost_buffers)->Apply(bench::buffer_sizes);
