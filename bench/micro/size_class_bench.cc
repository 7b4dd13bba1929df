// SPDX-License-Identifier: MIT
//
// Guards the arithmetic of size_class.h, which every malloc runs: a request to a class without a
// table and without a division. Each call of size_class_for() waits for the result of the one
// before, so its figure is latency, as on the way to a block.
//
// Expected order: linear (a shift) < any size (a count of leading zeros more).

#include "src/heap/size_class.h"

#include <array>

#include <benchmark/benchmark.h>

#include "bench/support/random.h"

namespace {

constexpr std::size_t kRequests = 1024;

std::array<std::size_t, kRequests> make_requests(std::size_t largest)
{
    bench::Random random(1);
    std::array<std::size_t, kRequests> requests{};
    for (std::size_t& request : requests)
        request = random.by_doubling(1, largest);
    return requests;
}

void size_class_of_requests(benchmark::State& state)
{
    const auto requests = make_requests(static_cast<std::size_t>(state.range(0)));
    std::size_t previous = 0;
    for ([[maybe_unused]] auto _ : state) {
        for (const std::size_t request : requests) {
            // The shift gives 0, which the compiler cannot know: each call waits for the last.
            asm volatile("" : "+r"(previous));
            previous = tarn::index_of(tarn::size_class_for(request + (previous >> 8U)));
        }
        benchmark::DoNotOptimize(previous);
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kRequests));
}

void block_size_of_class(benchmark::State& state)
{
    std::array<tarn::SizeClass, kRequests> classes{};
    const auto requests = make_requests(tarn::kMaxPooledSize);
    for (std::size_t i = 0; i < kRequests; ++i)
        classes[i] = tarn::size_class_for(requests[i]);
    for ([[maybe_unused]] auto _ : state) {
        std::size_t total = 0;
        for (const tarn::SizeClass size_class : classes)
            total += tarn::block_size(size_class);
        benchmark::DoNotOptimize(total);
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kRequests));
}

} // namespace

BENCHMARK(size_class_of_requests)
    ->Name("size_class_for/linear")
    ->Arg(static_cast<std::int64_t>(tarn::kMaxLinearSize));
BENCHMARK(size_class_of_requests)
    ->Name("size_class_for/any_size")
    ->Arg(static_cast<std::int64_t>(tarn::kMaxPooledSize));
BENCHMARK(block_size_of_class)->Name("block_size/any_class");
BENCHMARK_MAIN();
