// SPDX-License-Identifier: MIT
//
// What is measured of a resource that gives everything back at once: a round of allocations, each
// block touched, each pointer out of the compiler's sight, and the end of the round.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>

#include <benchmark/benchmark.h>

namespace bench {

/// Blocks of a round: as many as fit the first-level cache neither too well nor not at all.
inline constexpr std::size_t kBlocksOfARound = 1000;

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

/// `allocate(bytes)` gives a block, `end()` ends the round. The time is that of one block.
template <class Allocate, class End>
void run_rounds(benchmark::State& state, Allocate allocate, End end)
{
    const auto bytes = static_cast<std::size_t>(state.range(0));
    for ([[maybe_unused]] auto _ : state) {
        for (std::size_t i = 0; i < kBlocksOfARound; ++i) {
            auto* block = static_cast<volatile std::byte*>(allocate(bytes));
            *block = std::byte{1};
            benchmark::DoNotOptimize(block);
        }
        end();
        benchmark::ClobberMemory();
    }
    state.counters["per_block"] = benchmark::Counter(static_cast<double>(kBlocksOfARound),
                                                     benchmark::Counter::kIsIterationInvariantRate |
                                                         benchmark::Counter::kInvert);
}

} // namespace bench
