// SPDX-License-Identifier: MIT
//
// malloc and free of one size in turn: the fast path and nothing else. The block is always the one
// freed just before, so this is the best case of every allocator.
//
// Expected order up to 1 KiB: nop < sol < every real allocator < glibc.

#include <array>
#include <cstdlib>

#include <benchmark/benchmark.h>

#include "bench/malloc/cases.h"
#include "bench/malloc/reference_nop.h"

namespace bench {
namespace {

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * kKiB;

// Powers of two, and sizes between them where size classes, runs and mmap thresholds differ.
constexpr std::array<std::size_t, 27> kSizes{
    16,         24,         32,         64,        100,        128,        256,
    512,        1000,       1 * kKiB,   2 * kKiB,  4 * kKiB,   8 * kKiB,   16 * kKiB,
    32 * kKiB,  40 * kKiB,  64 * kKiB,  70 * kKiB, 128 * kKiB, 140 * kKiB, 256 * kKiB,
    300 * kKiB, 512 * kKiB, 600 * kKiB, 1 * kMiB,  2 * kMiB,   4 * kMiB,
};

/// Tells the `nop` reference that malloc now stands for an empty function. The symbol is weak:
/// under any other allocator nothing happens.
class MeasuredSection {
public:
    MeasuredSection()
    {
        if (bench_reference_nop_measure != nullptr) bench_reference_nop_measure(1);
    }
    ~MeasuredSection()
    {
        if (bench_reference_nop_measure != nullptr) bench_reference_nop_measure(0);
    }
    MeasuredSection(const MeasuredSection&) = delete;
    MeasuredSection& operator=(const MeasuredSection&) = delete;
};

void run_pair(benchmark::State& state, std::size_t size)
{
    {
        const MeasuredSection section;
        for ([[maybe_unused]] auto _ : state) {
            void* block = std::malloc(size);
            keep(block);
            touch(block);
            std::free(block);
        }
    }
    state.SetItemsProcessed(state.iterations());
}

} // namespace

void register_pair_cases()
{
    for (const std::size_t size : kSizes)
        benchmark::RegisterBenchmark(("pair/" + size_name(size)).c_str(), run_pair, size);
}

} // namespace bench
