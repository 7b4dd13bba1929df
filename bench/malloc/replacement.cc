// SPDX-License-Identifier: MIT
//
// Replacement: a set of live blocks of constant number, some freed and allocated again.
//
//   lifo/N     the youngest 1 to 64 of N blocks go and come back, as in recursive programs
//   random/N   any of N blocks, as in caches and tables; at 100K every block is a cache miss
//   slots/S    64 blocks of the one size S at random: what pairs of that size cost when the
//              last freed block is not the next one needed
//
// Reported per free + malloc.

#include <array>
#include <cstdlib>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/malloc/cases.h"

namespace bench {
namespace {

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kSlotCount = 64;
constexpr std::size_t kDeepestPop = 64;

void* allocate_touched(std::size_t size)
{
    void* block = std::malloc(size);
    keep(block);
    touch(block);
    return block;
}

std::vector<void*> allocate_live_set(std::size_t count, Random& random)
{
    std::vector<void*> blocks(count);
    for (void*& block : blocks)
        block = allocate_touched(mixed_small_size(random));
    return blocks;
}

void release(const std::vector<void*>& blocks)
{
    for (void* const block : blocks)
        std::free(block);
}

void run_lifo(benchmark::State& state, std::size_t live_count)
{
    Random random(1);
    std::vector<void*> blocks = allocate_live_set(live_count, random);
    std::int64_t replaced = 0;
    for ([[maybe_unused]] auto _ : state) {
        const std::size_t depth = random.between(1, kDeepestPop);
        for (std::size_t i = 0; i < depth; ++i)
            std::free(blocks[live_count - 1 - i]);
        for (std::size_t i = depth; i > 0; --i)
            blocks[live_count - i] = allocate_touched(mixed_small_size(random));
        replaced += static_cast<std::int64_t>(depth);
    }
    state.SetItemsProcessed(replaced);
    release(blocks);
}

void run_random(benchmark::State& state, std::size_t live_count)
{
    Random random(2);
    std::vector<void*> blocks = allocate_live_set(live_count, random);
    // Two generations of replacement, so that what is timed is the steady state.
    for (std::size_t i = 0; i < live_count * 2; ++i) {
        void*& block = blocks[random.below(live_count)];
        std::free(block);
        block = allocate_touched(mixed_small_size(random));
    }
    for ([[maybe_unused]] auto _ : state) {
        void*& block = blocks[random.below(live_count)];
        std::free(block);
        block = allocate_touched(mixed_small_size(random));
    }
    state.SetItemsProcessed(state.iterations());
    release(blocks);
}

void run_slots(benchmark::State& state, std::size_t size)
{
    Random random(3);
    std::array<void*, kSlotCount> blocks{};
    for (void*& block : blocks)
        block = allocate_touched(size);
    for ([[maybe_unused]] auto _ : state) {
        void*& block = blocks[random.below(kSlotCount)];
        std::free(block);
        block = allocate_touched(size);
    }
    state.SetItemsProcessed(state.iterations());
    for (void* const block : blocks)
        std::free(block);
}

} // namespace

void register_replacement_cases()
{
    for (const std::size_t count : {std::size_t{1000}, std::size_t{100000}}) {
        const std::string name = std::to_string(count / 1000) + "K";
        benchmark::RegisterBenchmark(("lifo/" + name).c_str(), run_lifo, count);
        benchmark::RegisterBenchmark(("random/" + name).c_str(), run_random, count);
    }
    for (const std::size_t kib : {4U, 16U, 40U, 70U, 140U, 300U, 600U, 1200U})
        benchmark::RegisterBenchmark(("slots/" + size_name(kib * kKiB)).c_str(), run_slots,
                                     kib * kKiB);
}

} // namespace bench
