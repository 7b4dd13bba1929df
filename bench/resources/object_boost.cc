// SPDX-License-Identifier: MIT
//
// Boost.Pool's pool of objects. It keeps its free objects in order of address, so that destroying
// one is a walk over them; hence no row for very many.

#include <boost/pool/object_pool.hpp>

#include "bench/resources/objects.h"

namespace {

void boost_object_pool(benchmark::State& state)
{
    boost::object_pool<bench::Object> pool(1 << 16);
    bench::run_objects(
        state, [&](int i) { return pool.construct(i); },
        [&](bench::Object* object) { pool.destroy(object); });
}

} // namespace

BENCHMARK(boost_object_pool)->ArgName("live")->Arg(1)->Arg(100);
