// SPDX-License-Identifier: MIT
//
// What is measured of a resource that gives everything back at once: a round of allocations, each
// block touched, each pointer out of the compiler's sight, and the end of the round.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include <benchmark/benchmark.h>

#include "bench/resources/per_block.h"

namespace bench {

inline constexpr std::size_t kBlocksOfARound = 1000;

/// Room for a round of the largest blocks that are measured.
inline constexpr std::size_t kRoom = std::size_t{1} << 20;

/// The rival that cannot be beaten: a cursor and an end.
class HandWrittenBump {
public:
    explicit HandWrittenBump(std::size_t bytes)
        : begin_(new std::byte[bytes]), cursor_(begin_), end_(begin_ + bytes)
    {}
    HandWrittenBump(const HandWrittenBump&) = delete;
    HandWrittenBump& operator=(const HandWrittenBump&) = delete;
    ~HandWrittenBump() { delete[] begin_; }

    void* allocate(std::size_t bytes, std::size_t alignment)
    {
        const auto start = (reinterpret_cast<std::uintptr_t>(cursor_) + alignment - 1) &
                           ~(std::uintptr_t{alignment} - 1);
        auto* const block = reinterpret_cast<std::byte*>(start);
        if (block + bytes > end_) return nullptr;
        cursor_ = block + bytes;
        return block;
    }
    void reset() { cursor_ = begin_; }

private:
    std::byte* begin_;
    std::byte* cursor_;
    std::byte* end_;
};

/// Keeps the compiler from knowing what is behind a pointer, as in a program of several files.
template <class Type> Type* out_of_sight(Type* pointer)
{
    benchmark::DoNotOptimize(pointer);
    return pointer;
}

/// What is written into each block: its first byte, or all of it.
enum class Touch : bool { first_byte, all };

/// `allocate(bytes)` gives a block, `end()` ends the round. Arguments: bytes of a block, and
/// whether all of it is written. per_block is the time of one.
template <class Allocate, class End>
void run_rounds(benchmark::State& state, Allocate allocate, End end)
{
    const auto bytes = static_cast<std::size_t>(state.range(0));
    const auto touch = static_cast<Touch>(state.range(1) != 0);
    for ([[maybe_unused]] auto _ : state) {
        for (std::size_t i = 0; i < kBlocksOfARound; ++i) {
            void* block = allocate(bytes);
            if (touch == Touch::all)
                std::memset(block, 1, bytes);
            else
                *static_cast<volatile std::byte*>(block) = std::byte{1};
            benchmark::DoNotOptimize(block);
        }
        end();
        benchmark::ClobberMemory();
    }
    state.counters["per_block"] = per_block(kBlocksOfARound);
}

/// Rounds of a resource whose type is known, and that has a reset.
template <class Resource> void rounds_of(benchmark::State& state, Resource& here)
{
    auto* const resource = out_of_sight(&here);
    run_rounds(
        state, [&](std::size_t bytes) { return resource->allocate(bytes, 16); },
        [&] { resource->reset(); });
}

/// As a container has it, that knows only `Base`, std::pmr::memory_resource or that of a rival.
template <class Base, class End>
void rounds_by_virtual_call(benchmark::State& state, Base& here, End end)
{
    auto* const resource = out_of_sight(&here);
    run_rounds(
        state, [&](std::size_t bytes) { return resource->allocate(bytes, 16); }, end);
}

/// Rounds of malloc, which has no end but one for each block.
inline void malloc_and_free(benchmark::State& state)
{
    static void* blocks[kBlocksOfARound];
    std::size_t count = 0;
    run_rounds(
        state, [&](std::size_t bytes) { return blocks[count++] = std::malloc(bytes); },
        [&] {
            while (count > 0)
                std::free(blocks[--count]);
        });
}

/// The sizes that are measured.
inline void sizes(benchmark::internal::Benchmark* benchmark)
{
    benchmark->ArgNames({"bytes", "all"})
        ->Args({16, 0})
        ->Args({64, 0})
        ->Args({64, 1})
        ->Args({512, 1});
}

} // namespace bench
