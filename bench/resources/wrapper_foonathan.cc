// SPDX-License-Identifier: MIT
//
// foonathan/memory's wrappers, which are types of their own and no virtual calls.

#include <atomic>
#include <foonathan/memory/allocator_storage.hpp>
#include <foonathan/memory/malloc_allocator.hpp>
#include <foonathan/memory/memory_pool.hpp>
#include <foonathan/memory/tracking.hpp>

#include "bench/resources/round_trips.h"

namespace {

namespace fm = foonathan::memory;

/// Counts what CountingResource does, but for the peak.
struct Counts {
    void on_node_allocation(void* /*node*/, std::size_t bytes, std::size_t /*alignment*/) noexcept
    {
        allocations.fetch_add(1, std::memory_order_relaxed);
        in_use.fetch_add(bytes, std::memory_order_relaxed);
    }
    void on_node_deallocation(void* /*node*/, std::size_t bytes, std::size_t /*alignment*/) noexcept
    {
        deallocations.fetch_add(1, std::memory_order_relaxed);
        in_use.fetch_sub(bytes, std::memory_order_relaxed);
    }
    void on_array_allocation(void*, std::size_t, std::size_t, std::size_t) noexcept {}
    void on_array_deallocation(void*, std::size_t, std::size_t, std::size_t) noexcept {}

    // Of the whole program: trackers are copied.
    static inline std::atomic<std::uint64_t> allocations{0};
    static inline std::atomic<std::uint64_t> deallocations{0};
    static inline std::atomic<std::size_t> in_use{0};
};

template <class Allocator> void run(benchmark::State& state, Allocator& allocator)
{
    auto* pointer = &allocator;
    benchmark::DoNotOptimize(pointer);
    bench::run_round_trips(
        state, [&] { return pointer->allocate_node(64, 16); },
        [&](void* block) { pointer->deallocate_node(block, 64, 16); });
}

void foonathan_tracked(benchmark::State& state)
{
    fm::tracked_allocator<Counts, fm::malloc_allocator> allocator;
    run(state, allocator);
}

void foonathan_thread_safe_pool(benchmark::State& state)
{
    fm::thread_safe_allocator<fm::memory_pool<>> allocator(fm::memory_pool<>(64, 1 << 20));
    run(state, allocator);
}

} // namespace

BENCHMARK(foonathan_tracked)->ArgName("live")->Arg(1)->Arg(100);
BENCHMARK(foonathan_thread_safe_pool)->ArgName("live")->Arg(1)->Arg(100);
