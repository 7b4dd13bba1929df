// SPDX-License-Identifier: MIT
//
// Guards the inline path of ArenaResource. per_block is the time of one block that is touched.
//
// Expected order: hand-written bump <= arena (at most 1.1 times) < std::pmr's monotonic buffer (a
// virtual call) < malloc and free.

#include <cstdlib>

#include <tarn/arena_resource.h>

#include "bench/resources/rounds.h"

namespace {

constexpr std::size_t kRoom = std::size_t{1} << 20;

void bump_by_hand(benchmark::State& state)
{
    bench::HandWrittenBump bump(kRoom);
    bench::run_rounds(
        state, [&](std::size_t bytes) { return bump.allocate(bytes, 16); }, [&] { bump.reset(); });
}

// As a member of something: the cursor is in memory, not in a register of one loop.
void bump_in_memory(benchmark::State& state)
{
    bench::HandWrittenBump bump(kRoom);
    auto* pointer = &bump;
    benchmark::DoNotOptimize(pointer);
    bench::run_rounds(
        state, [&](std::size_t bytes) { return bump.allocate(bytes, 16); }, [&] { bump.reset(); });
}

void arena(benchmark::State& state)
{
    tarn::ArenaResource arena({.growth = tarn::Growth::fixed(kRoom)});
    bench::run_rounds(
        state, [&](std::size_t bytes) { return arena.allocate(bytes, 16); },
        [&] { arena.reset(); });
}

// As a container does that knows only std::pmr::memory_resource.
void arena_by_virtual_call(benchmark::State& state)
{
    tarn::ArenaResource arena({.growth = tarn::Growth::fixed(kRoom)});
    std::pmr::memory_resource* resource = &arena;
    benchmark::DoNotOptimize(resource);
    bench::run_rounds(
        state, [&](std::size_t bytes) { return resource->allocate(bytes, 16); },
        [&] { arena.reset(); });
}

void arena_that_grows(benchmark::State& state)
{
    tarn::ArenaResource arena(tarn::ArenaOptions::frame());
    bench::run_rounds(
        state, [&](std::size_t bytes) { return arena.allocate(bytes, 16); },
        [&] { arena.reset(); });
}

void std_monotonic(benchmark::State& state)
{
    auto* const buffer = static_cast<std::byte*>(std::malloc(kRoom));
    std::pmr::monotonic_buffer_resource resource(buffer, kRoom);
    bench::run_rounds(
        state, [&](std::size_t bytes) { return resource.allocate(bytes, 16); },
        [&] { resource.release(); });
    std::free(buffer);
}

void malloc_and_free(benchmark::State& state)
{
    static void* blocks[bench::kBlocksOfARound];
    std::size_t count = 0;
    bench::run_rounds(
        state, [&](std::size_t bytes) { return blocks[count++] = std::malloc(bytes); },
        [&] {
            while (count > 0)
                std::free(blocks[--count]);
        });
}

} // namespace

BENCHMARK(bump_by_hand)->Arg(16)->Arg(64)->Arg(256);
BENCHMARK(bump_in_memory)->Arg(16)->Arg(64)->Arg(256);
BENCHMARK(arena)->Arg(16)->Arg(64)->Arg(256);
BENCHMARK(arena_by_virtual_call)->Arg(16)->Arg(64)->Arg(256);
BENCHMARK(arena_that_grows)->Arg(16)->Arg(64)->Arg(256);
BENCHMARK(std_monotonic)->Arg(16)->Arg(64)->Arg(256);
BENCHMARK(malloc_and_free)->Arg(16)->Arg(64)->Arg(256);
BENCHMARK_MAIN();
