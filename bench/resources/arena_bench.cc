// SPDX-License-Identifier: MIT
//
// Guards the inline path of ArenaResource.
//
// Expected order: bump by hand, in a register <= in memory; arena at most 1.1 times the latter; by
// a virtual call a little more, as std::pmr's monotonic buffer; then malloc and free.

#include <memory_resource>
#include <optional>
#include <utility>

#include <tarn/arena_resource.h>
#include <tarn/fixed_buffer_resource.h>
#include <tarn/mmap_resource.h>
#include <tarn/phase_arena.h>
#include <tarn/process_arena.h>

#include "bench/resources/rounds.h"

namespace {

using bench::rounds_of;
using bench::run_rounds;

/// As a container has it.
template <class End>
void rounds_by_virtual_call(benchmark::State& state, std::pmr::memory_resource& here, End end)
{
    bench::rounds_by_virtual_call(state, here, end);
}

void bump_in_a_register(benchmark::State& state)
{
    bench::HandWrittenBump bump(bench::kRoom);
    run_rounds(
        state, [&](std::size_t bytes) { return bump.allocate(bytes, 16); }, [&] { bump.reset(); });
}

void bump_in_memory(benchmark::State& state)
{
    bench::HandWrittenBump here(bench::kRoom);
    auto* const bump = bench::out_of_sight(&here);
    run_rounds(
        state, [&](std::size_t bytes) { return bump->allocate(bytes, 16); },
        [&] { bump->reset(); });
}

void arena(benchmark::State& state)
{
    tarn::ArenaResource arena({.growth = tarn::Growth::fixed(bench::kRoom)});
    rounds_of(state, arena);
}

void arena_that_grows(benchmark::State& state)
{
    tarn::ArenaResource arena(tarn::ArenaOptions::frame());
    rounds_of(state, arena);
}

void arena_virtual(benchmark::State& state)
{
    tarn::ArenaResource arena({.growth = tarn::Growth::fixed(bench::kRoom)});
    rounds_by_virtual_call(state, arena, [&] { arena.reset(); });
}

void fixed_buffer(benchmark::State& state)
{
    static std::byte buffer[bench::kRoom];
    tarn::FixedBufferResource fixed(buffer);
    rounds_of(state, fixed);
}

void mmap_virtual(benchmark::State& state)
{
    tarn::MmapResource memory;
    rounds_by_virtual_call(state, memory, [&] { memory.reset(); });
}

void std_monotonic(benchmark::State& state)
{
    static std::byte buffer[bench::kRoom];
    std::pmr::monotonic_buffer_resource here(buffer, sizeof buffer);
    auto* const resource = bench::out_of_sight(&here);
    run_rounds(
        state, [&](std::size_t bytes) { return resource->allocate(bytes, 16); },
        [&] { resource->release(); });
}

void std_monotonic_virtual(benchmark::State& state)
{
    static std::byte buffer[bench::kRoom];
    std::pmr::monotonic_buffer_resource monotonic(buffer, sizeof buffer);
    rounds_by_virtual_call(state, monotonic, [&] { monotonic.release(); });
}

// Each round a phase, with its name, its times and its counts.
void phase_arena(benchmark::State& state)
{
    tarn::PhaseArena arena;
    auto* const resource = bench::out_of_sight(&arena.resource());
    std::optional<tarn::PhaseArena::Phase> phase(std::in_place, arena, "round");
    run_rounds(
        state, [&](std::size_t bytes) { return resource->allocate(bytes, 16); },
        [&] {
            phase.reset();
            phase.emplace(arena, "round");
        });
}

// It has no end but that of the process: a new one in each round.
void process_arena_cold(benchmark::State& state)
{
    std::optional<tarn::ProcessArena> arena(std::in_place);
    auto* const here = bench::out_of_sight(&arena);
    run_rounds(
        state, [&](std::size_t bytes) { return (*here)->allocate(bytes, 16); },
        [&] { here->emplace(); });
}

// New chunks from upstream in each round, as for a request that is served once.
void arena_cold(benchmark::State& state)
{
    auto* const here = bench::out_of_sight(new tarn::ArenaResource(tarn::ArenaOptions::frame()));
    run_rounds(
        state, [&](std::size_t bytes) { return here->allocate(bytes, 16); },
        [&] { here->release(); });
    delete here;
}

void std_monotonic_cold(benchmark::State& state)
{
    std::pmr::monotonic_buffer_resource here(std::size_t{64} << 10);
    auto* const resource = bench::out_of_sight(&here);
    run_rounds(
        state, [&](std::size_t bytes) { return resource->allocate(bytes, 16); },
        [&] { resource->release(); });
}

} // namespace

BENCHMARK(bump_in_a_register)->Apply(bench::sizes);
BENCHMARK(bump_in_memory)->Apply(bench::sizes);
BENCHMARK(arena)->Apply(bench::sizes);
BENCHMARK(arena_that_grows)->Apply(bench::sizes);
BENCHMARK(fixed_buffer)->Apply(bench::sizes);
BENCHMARK(std_monotonic)->Apply(bench::sizes);
BENCHMARK(phase_arena)->Apply(bench::sizes);
BENCHMARK(arena_virtual)->Apply(bench::sizes);
BENCHMARK(mmap_virtual)->Apply(bench::sizes);
BENCHMARK(std_monotonic_virtual)->Apply(bench::sizes);
BENCHMARK(arena_cold)->Apply(bench::sizes);
BENCHMARK(std_monotonic_cold)->Apply(bench::sizes);
BENCHMARK(process_arena_cold)->Apply(bench::sizes);
BENCHMARK(bench::malloc_and_free)->Name("malloc_and_free")->Apply(bench::sizes);
BENCHMARK_MAIN();
