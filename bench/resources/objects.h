// SPDX-License-Identifier: MIT
//
// What is measured of pools of objects: as round trips of blocks, but through their constructor.

#pragma once

#include <cstddef>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/resources/per_block.h"

namespace bench {

/// Of 64 bytes, and with a destructor that does something.
struct Object {
    explicit Object(int number) : value(number) {}
    Object(const Object&) = delete;
    Object& operator=(const Object&) = delete;
    ~Object() { benchmark::DoNotOptimize(value); }

    int value;
    std::byte others[60];
};

template <class Create, class Destroy>
void run_objects(benchmark::State& state, Create create, Destroy destroy)
{
    std::vector<Object*> objects(static_cast<std::size_t>(state.range(0)));
    for ([[maybe_unused]] auto _ : state) {
        int i = 0;
        for (Object*& place : objects) {
            Object* object = create(i++);
            benchmark::DoNotOptimize(object);
            place = object;
        }
        benchmark::ClobberMemory();
        for (Object* const object : objects)
            destroy(object);
    }
    state.counters["per_block"] = per_block(objects.size());
}

/// Of pointers that destroy their object.
template <class Handle, class Make>
void run_handles(benchmark::State& state, std::vector<Handle>& handles, Make make)
{
    for ([[maybe_unused]] auto _ : state) {
        int i = 0;
        for (Handle& handle : handles)
            handle = make(i++);
        benchmark::ClobberMemory();
        for (Handle& handle : handles)
            handle.reset();
    }
    state.counters["per_block"] = per_block(handles.size());
}

} // namespace bench
