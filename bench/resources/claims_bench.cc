// SPDX-License-Identifier: MIT
//
// What other projects claim of pools, arenas and frames, measured twice: as they did it, and so
// that memory is used and pointers escape. README.md beside this has both in one table.
//
// Expected order: wrong_... rows cost next to nothing, or absurdly much where they stand for
// malloc; the row below each of them is what a program gets.

#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <vector>

#include <tarn/arena_resource.h>
#include <tarn/fixed_pool_resource.h>
#include <tarn/frame_allocator.h>

#include "bench/resources/round_trips.h"
#include "bench/resources/rounds.h"

namespace {

using bench::per_block;

constexpr std::size_t kBlock = 64;

// --- a pool's pair of alloc and free -------------------------------------------------------------

/// Nobody sees the blocks, so the compiler need not do anything.
void wrong_pair_of_a_pool(benchmark::State& state)
{
    bench::HandWrittenFreeList list(kBlock, 1 << 10);
    for ([[maybe_unused]] auto _ : state)
        for (int i = 0; i < 1000; ++i)
            list.push(list.pop());
    state.counters["per_block"] = per_block(1000);
}

void pair_of_a_pool(benchmark::State& state)
{
    tarn::FixedPoolResource here({.block_size = kBlock});
    auto* const pool = bench::out_of_sight(&here);
    bench::run_round_trips(
        state, [&] { return pool->allocate(kBlock); },
        [&](void* block) { pool->deallocate(block, kBlock); });
}

/// A "malloc" that takes a page from the kernel and gives it back each time.
void wrong_pair_of_malloc(benchmark::State& state)
{
    constexpr std::size_t kBytes = std::size_t{128} << 10;
    bench::run_round_trips(
        state,
        [] {
            return mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                        0);
        },
        [](void* block) { munmap(block, kBytes); });
}

void malloc_pair(benchmark::State& state)
{
    bench::run_round_trips(
        state, [] { return std::malloc(kBlock); }, [](void* block) { std::free(block); });
}

// --- a frame's blocks ----------------------------------------------------------------------------

/// Nothing ends the frame: it is full soon, and then all that is measured is how fast it refuses.
void wrong_frame(benchmark::State& state)
{
    tarn::ArenaResource here(tarn::ArenaOptions::fixed(std::size_t{1} << 20));
    auto* const arena = bench::out_of_sight(&here);
    const auto bytes = static_cast<std::size_t>(state.range(0));
    for ([[maybe_unused]] auto _ : state)
        benchmark::DoNotOptimize(arena->try_allocate(bytes));
    state.counters["per_block"] = per_block(1);
}

/// Ten blocks are allocated, written and given back.
template <class Allocate, class End>
void run_frames(benchmark::State& state, Allocate allocate, End end)
{
    const auto bytes = static_cast<std::size_t>(state.range(0));
    for ([[maybe_unused]] auto _ : state) {
        for (int i = 0; i < 10; ++i) {
            void* block = allocate(bytes);
            std::memset(block, 1, bytes);
            benchmark::DoNotOptimize(block);
        }
        end();
    }
    state.counters["per_block"] = per_block(10);
}

void frame(benchmark::State& state)
{
    tarn::FrameAllocator frames({.marks = false});
    tarn::FrameThread& thread = frames.this_thread();
    thread.begin();
    run_frames(
        state, [&](std::size_t bytes) { return thread.arena().allocate(bytes); },
        [&] {
            thread.end();
            thread.begin();
        });
}

void malloc_frame(benchmark::State& state)
{
    static thread_local std::vector<void*> blocks;
    run_frames(
        state, [&](std::size_t bytes) { return blocks.emplace_back(std::malloc(bytes)); },
        [&] {
            for (void* const block : blocks)
                std::free(block);
            blocks.clear();
        });
}

// --- a batch -------------------------------------------------------------------------------------

/// One large block is said to be so many.
void wrong_batch(benchmark::State& state)
{
    tarn::ArenaResource here(tarn::ArenaOptions::frame());
    auto* const arena = bench::out_of_sight(&here);
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(arena->allocate(bench::kBlocksOfARound * kBlock));
        arena->reset();
    }
    state.counters["per_block"] = per_block(bench::kBlocksOfARound);
}

template <class Fill> void run_batches(benchmark::State& state, Fill fill)
{
    static void* blocks[bench::kBlocksOfARound];
    tarn::ArenaResource here(tarn::ArenaOptions::frame());
    auto* const arena = bench::out_of_sight(&here);
    for ([[maybe_unused]] auto _ : state) {
        fill(*arena, blocks);
        for (void* const block : blocks)
            std::memset(block, 1, kBlock);
        benchmark::ClobberMemory();
        arena->reset();
    }
    state.counters["per_block"] = per_block(bench::kBlocksOfARound);
}

void batch(benchmark::State& state)
{
    run_batches(state, [](tarn::ArenaResource& arena, std::span<void*> blocks) {
        benchmark::DoNotOptimize(arena.try_allocate_batch(kBlock, 16, blocks));
    });
}

void one_by_one(benchmark::State& state)
{
    run_batches(state, [](tarn::ArenaResource& arena, std::span<void*> blocks) {
        for (void*& block : blocks)
            block = arena.allocate(kBlock, 16);
    });
}

void frame_sizes(benchmark::internal::Benchmark* benchmark)
{
    benchmark->ArgName("bytes")->Arg(64)->Arg(1024)->Arg(64 << 10);
}

void frame_threads(benchmark::internal::Benchmark* benchmark)
{
    benchmark->ArgName("bytes")->Arg(64)->Threads(1)->Threads(2)->Threads(4)->Threads(16);
}

} // namespace

BENCHMARK(wrong_pair_of_a_pool)->ArgName("live")->Arg(1);
BENCHMARK(pair_of_a_pool)->ArgName("live")->Arg(1);
BENCHMARK(wrong_pair_of_malloc)->ArgName("live")->Arg(1);
BENCHMARK(malloc_pair)->ArgName("live")->Arg(1);
BENCHMARK(wrong_frame)->Apply(frame_sizes);
BENCHMARK(frame)->Apply(frame_sizes);
BENCHMARK(malloc_frame)->Apply(frame_sizes);
BENCHMARK(frame)->Name("frame_of_threads")->Apply(frame_threads);
BENCHMARK(malloc_frame)->Name("malloc_of_threads")->Apply(frame_threads);
BENCHMARK(wrong_batch);
BENCHMARK(batch);
BENCHMARK(one_by_one);
BENCHMARK_MAIN();
