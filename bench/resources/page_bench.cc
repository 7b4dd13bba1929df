// SPDX-License-Identifier: MIT
//
// Guards what gives whole pages: each block is mapped, its pages are touched, and it is unmapped.
//
// Expected order: mmap by hand = pages < pages of a node < with a guard page; with huge pages the
// large blocks are several times as quick as with small ones, where the system has any.

#include <cstddef>
#include <memory_resource>
#include <sys/mman.h>

#include <benchmark/benchmark.h>

#include <tarn/numa_resource.h>
#include <tarn/page_resource.h>

#include "bench/resources/per_block.h"

namespace {

constexpr std::size_t kPage = 4096;

template <class Allocate, class Free>
void run(benchmark::State& state, Allocate allocate, Free free)
{
    const auto bytes = static_cast<std::size_t>(state.range(0));
    for ([[maybe_unused]] auto _ : state) {
        auto* const block = static_cast<volatile std::byte*>(allocate(bytes));
        for (std::size_t at = 0; at < bytes; at += kPage)
            block[at] = std::byte{1};
        free(const_cast<std::byte*>(block), bytes);
    }
    state.counters["per_block"] = bench::per_block(1);
}

void run_resource(benchmark::State& state, std::pmr::memory_resource& here)
{
    std::pmr::memory_resource* resource = &here;
    benchmark::DoNotOptimize(resource);
    run(
        state, [&](std::size_t bytes) { return resource->allocate(bytes); },
        [&](void* block, std::size_t bytes) { resource->deallocate(block, bytes); });
}

void mmap_by_hand(benchmark::State& state)
{
    run(
        state,
        [](std::size_t bytes) {
            return ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                          0);
        },
        [](void* block, std::size_t bytes) { ::munmap(block, bytes); });
}

void pages(benchmark::State& state)
{
    tarn::PageResource resource;
    run_resource(state, resource);
}

void pages_with_a_guard(benchmark::State& state)
{
    tarn::PageResource resource({.guard = true});
    run_resource(state, resource);
}

void huge_pages(benchmark::State& state)
{
    tarn::PageResource resource({.huge = true});
    run_resource(state, resource);
}

void pages_of_this_node(benchmark::State& state)
{
    tarn::NumaResource resource;
    run_resource(state, resource);
}

void pages_of_a_node(benchmark::State& state)
{
    tarn::NumaResource resource({.place = tarn::NumaPlace::node});
    run_resource(state, resource);
}

void sizes(benchmark::internal::Benchmark* benchmark)
{
    benchmark->ArgName("bytes")->Arg(kPage)->Arg(64 << 10)->Arg(4 << 20);
}

} // namespace

BENCHMARK(mmap_by_hand)->Apply(sizes);
BENCHMARK(pages)->Apply(sizes);
BENCHMARK(pages_with_a_guard)->Apply(sizes);
BENCHMARK(huge_pages)->Apply(sizes);
BENCHMARK(pages_of_this_node)->Apply(sizes);
BENCHMARK(pages_of_a_node)->Apply(sizes);
BENCHMARK_MAIN();
