// SPDX-License-Identifier: MIT
//
// Boost.Container's pool with a lock. (Boost.Lockfree's queues are of fixed size, or for trivial
// types; see ring_boost.cc.)

#include <boost/container/pmr/synchronized_pool_resource.hpp>

#include "bench/resources/queues.h"
#include "bench/resources/round_trips.h"

namespace {

namespace pmr = boost::container::pmr;

void shared_boost_synchronized(benchmark::State& state)
{
    static pmr::synchronized_pool_resource resource;
    bench::run_resource<pmr::memory_resource>(state, resource);
}

} // namespace

BENCHMARK(shared_boost_synchronized)->ArgName("live")->Arg(100)->Apply(bench::threads);
