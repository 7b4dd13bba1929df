// SPDX-License-Identifier: MIT
//
// Batches: 4096 blocks of 16 to 271 bytes are allocated, then all freed, in three orders. More
// than a thread cache of fixed length holds, so this shows what happens when it runs over.
//
// Reported per malloc + free.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <numeric>

#include <benchmark/benchmark.h>

#include "bench/malloc/cases.h"

namespace bench {
namespace {

constexpr std::size_t kBatch = 4096;

enum class Order : std::uint8_t { as_allocated, reverse, random };

using Permutation = std::array<std::uint16_t, kBatch>;

Permutation make_order(Order order)
{
    Permutation positions{};
    std::iota(positions.begin(), positions.end(), std::uint16_t{0});
    if (order == Order::reverse) std::reverse(positions.begin(), positions.end());
    if (order == Order::random) {
        Random random(4);
        for (std::size_t i = kBatch - 1; i > 0; --i)
            std::swap(positions[i], positions[random.below(i + 1)]);
    }
    return positions;
}

void run_batch(benchmark::State& state, Order order)
{
    const Permutation positions = make_order(order);
    std::array<void*, kBatch> blocks{};
    Random random(5);
    for ([[maybe_unused]] auto _ : state) {
        for (void*& block : blocks) {
            block = std::malloc(mixed_small_size(random));
            keep(block);
            touch(block);
        }
        for (const std::uint16_t position : positions)
            std::free(blocks[position]);
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatch));
}

} // namespace

void register_batch_cases()
{
    benchmark::RegisterBenchmark("batch/in_order", run_batch, Order::as_allocated);
    benchmark::RegisterBenchmark("batch/reverse", run_batch, Order::reverse);
    benchmark::RegisterBenchmark("batch/random", run_batch, Order::random);
}

} // namespace bench
