// SPDX-License-Identifier: MIT
//
// Boost.Container's counterpart of an arena, as it is for std::pmr's in arena_bench.cc.

#include <boost/container/pmr/monotonic_buffer_resource.hpp>

#include "bench/resources/rounds.h"

namespace {

using Monotonic = boost::container::pmr::monotonic_buffer_resource;
using Base = boost::container::pmr::memory_resource;

void boost_monotonic(benchmark::State& state)
{
    static std::byte buffer[bench::kRoom];
    Monotonic here(buffer, sizeof buffer);
    auto* const resource = bench::out_of_sight(&here);
    bench::run_rounds(
        state, [&](std::size_t bytes) { return resource->allocate(bytes, 16); },
        [&] { resource->release(); });
}

void boost_monotonic_virtual(benchmark::State& state)
{
    static std::byte buffer[bench::kRoom];
    Monotonic monotonic(buffer, sizeof buffer);
    bench::rounds_by_virtual_call<Base>(state, monotonic, [&] { monotonic.release(); });
}

void boost_monotonic_cold(benchmark::State& state)
{
    Monotonic here(std::size_t{64} << 10);
    auto* const resource = bench::out_of_sight(&here);
    bench::run_rounds(
        state, [&](std::size_t bytes) { return resource->allocate(bytes, 16); },
        [&] { resource->release(); });
}

} // namespace

BENCHMARK(boost_monotonic)->Apply(bench::sizes);
BENCHMARK(boost_monotonic_virtual)->Apply(bench::sizes);
BENCHMARK(boost_monotonic_cold)->Apply(bench::sizes);
