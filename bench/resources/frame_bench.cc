// SPDX-License-Identifier: MIT
//
// Guards frames: their blocks, what a frame itself costs, and that its end is O(chunks).
//
// Expected order: blocks as those of an arena; through the FrameAllocator, which finds the thread's
// own, more, but below malloc and free; the end of an empty frame is two readings of the clock;
// that of a full one takes no longer for 100 times the blocks.

#include <memory_resource>

#include <tarn/chunk_cache.h>
#include <tarn/frame_allocator.h>

#include "bench/resources/rounds.h"

namespace {

using bench::run_rounds;

void frame(benchmark::State& state)
{
    tarn::FrameAllocator frames({.marks = false});
    tarn::FrameThread& thread = frames.this_thread();
    thread.begin();
    run_rounds(
        state, [&](std::size_t bytes) { return thread.arena().allocate(bytes, 16); },
        [&] {
            thread.end();
            thread.begin();
        });
}

// One allocator for all threads.
void frame_by_allocator(benchmark::State& state)
{
    static tarn::ChunkCache cache;
    static tarn::FrameAllocator here({.marks = false}, &cache);
    auto* const frames = bench::out_of_sight<std::pmr::memory_resource>(&here);
    tarn::FrameThread& thread = here.this_thread();
    thread.begin();
    run_rounds(
        state, [&](std::size_t bytes) { return frames->allocate(bytes, 16); },
        [&] {
            thread.end();
            thread.begin();
        });
    thread.end();
}

void std_monotonic(benchmark::State& state)
{
    std::pmr::monotonic_buffer_resource here(bench::kRoom);
    auto* const resource = bench::out_of_sight(&here);
    run_rounds(
        state, [&](std::size_t bytes) { return resource->allocate(bytes, 16); },
        [&] { resource->release(); });
}

// The time of a begin and an end, with so many blocks between them that is not counted.
void begin_and_end(benchmark::State& state)
{
    tarn::FrameAllocator frames({.keep = std::size_t{64} << 20, .marks = false});
    tarn::FrameThread& thread = frames.this_thread();
    for ([[maybe_unused]] auto _ : state) {
        state.PauseTiming();
        thread.begin();
        for (std::int64_t block = 0; block < state.range(0); ++block) {
            void* pointer = thread.arena().allocate(64, 16);
            benchmark::DoNotOptimize(pointer);
        }
        state.ResumeTiming();
        thread.end();
    }
}

void batch_of_a_hundred(benchmark::State& state)
{
    tarn::ArenaResource here(tarn::ArenaOptions::frame());
    auto* const arena = bench::out_of_sight(&here);
    static void* blocks[100];
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(arena->try_allocate_batch(64, 16, blocks));
        for (void* const block : blocks)
            *static_cast<volatile std::byte*>(block) = std::byte{1};
        arena->reset();
    }
    state.counters["per_block"] = bench::per_block(100);
}

void a_hundred_one_by_one(benchmark::State& state)
{
    tarn::ArenaResource here(tarn::ArenaOptions::frame());
    auto* const arena = bench::out_of_sight(&here);
    static void* blocks[100];
    for ([[maybe_unused]] auto _ : state) {
        for (void*& block : blocks)
            block = arena->allocate(64, 16);
        for (void* const block : blocks)
            *static_cast<volatile std::byte*>(block) = std::byte{1};
        benchmark::ClobberMemory();
        arena->reset();
    }
    state.counters["per_block"] = bench::per_block(100);
}

} // namespace

BENCHMARK(frame)->Apply(bench::sizes);
BENCHMARK(frame_by_allocator)->Apply(bench::sizes);
BENCHMARK(frame_by_allocator)
    ->Name("frame_by_allocator")
    ->ArgNames({"bytes", "all"})
    ->Args({64, 1})
    ->Threads(2);
BENCHMARK(std_monotonic)->Apply(bench::sizes);
BENCHMARK(bench::malloc_and_free)->Name("malloc_and_free")->Apply(bench::sizes);
BENCHMARK(begin_and_end)->Arg(0)->Arg(1000)->Arg(100'000);
BENCHMARK(batch_of_a_hundred);
BENCHMARK(a_hundred_one_by_one);
BENCHMARK_MAIN();
