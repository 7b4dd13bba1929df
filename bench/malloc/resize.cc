// SPDX-License-Identifier: MIT
//
// The rest of the malloc family: realloc as growing buffers use it, calloc, aligned_alloc and
// malloc_usable_size (redis asks it on every allocation and every free).
//
// realloc is reported per call of realloc, the others per pair with free or per call.

#include <array>
#include <cstdlib>
#include <cstring>
#include <malloc.h>

#include <benchmark/benchmark.h>

#include "bench/malloc/cases.h"

namespace bench {
namespace {

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * kKiB;

/// A buffer grows from 64 bytes to 16 KiB, 64 bytes at a time: a line read piece by piece.
void run_realloc_steps(benchmark::State& state)
{
    constexpr std::size_t kStep = 64;
    constexpr std::size_t kEnd = 16 * kKiB;
    std::int64_t calls = 0;
    for ([[maybe_unused]] auto _ : state) {
        void* block = nullptr;
        for (std::size_t size = kStep; size <= kEnd; size += kStep) {
            block = std::realloc(block, size);
            keep(block);
            std::memset(static_cast<char*>(block) + size - kStep, 1, kStep);
            ++calls;
        }
        std::free(block);
    }
    state.SetItemsProcessed(calls);
}

/// A buffer grows by half its size each time and is filled as it grows: a vector.
void run_realloc_half(benchmark::State& state, std::size_t end)
{
    std::int64_t calls = 0;
    for ([[maybe_unused]] auto _ : state) {
        void* block = nullptr;
        std::size_t filled = 0;
        for (std::size_t size = 32; size <= end; size += size / 2) {
            block = std::realloc(block, size);
            keep(block);
            std::memset(static_cast<char*>(block) + filled, 1, size - filled);
            filled = size;
            ++calls;
        }
        std::free(block);
    }
    state.SetItemsProcessed(calls);
}

void run_calloc(benchmark::State& state, std::size_t size)
{
    for ([[maybe_unused]] auto _ : state) {
        void* block = std::calloc(1, size);
        keep(block);
        touch(block);
        std::free(block);
    }
    state.SetItemsProcessed(state.iterations());
}

void run_aligned(benchmark::State& state, std::size_t alignment, std::size_t size)
{
    for ([[maybe_unused]] auto _ : state) {
        void* block = std::aligned_alloc(alignment, size);
        keep(block);
        touch(block);
        std::free(block);
    }
    state.SetItemsProcessed(state.iterations());
}

void run_usable_size(benchmark::State& state)
{
    constexpr std::size_t kBlocks = 1024;
    Random random(6);
    std::array<void*, kBlocks> blocks{};
    for (void*& block : blocks)
        block = std::malloc(mixed_small_size(random));
    for ([[maybe_unused]] auto _ : state) {
        for (void* const block : blocks) {
            std::size_t size = malloc_usable_size(block);
            benchmark::DoNotOptimize(size);
        }
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBlocks));
    for (void* const block : blocks)
        std::free(block);
}

} // namespace

void register_resize_cases()
{
    benchmark::RegisterBenchmark("realloc/steps_to_16K", run_realloc_steps);
    benchmark::RegisterBenchmark("realloc/half_to_64K", run_realloc_half, 64 * kKiB);
    benchmark::RegisterBenchmark("realloc/half_to_16M", run_realloc_half, 16 * kMiB);
    for (const std::size_t size : {std::size_t{64}, kKiB, 64 * kKiB, kMiB})
        benchmark::RegisterBenchmark(("calloc/" + size_name(size)).c_str(), run_calloc, size);
    benchmark::RegisterBenchmark("aligned_alloc/64_of_192", run_aligned, 64, 192);
    benchmark::RegisterBenchmark("aligned_alloc/4K_of_8K", run_aligned, 4 * kKiB, 8 * kKiB);
    benchmark::RegisterBenchmark("aligned_alloc/64K_of_64K", run_aligned, 64 * kKiB, 64 * kKiB);
    benchmark::RegisterBenchmark("usable_size/mixed", run_usable_size);
}

} // namespace bench
