// SPDX-License-Identifier: MIT
//
// bench_malloc: times plain malloc and free. Not linked to any allocator: run it under
// LD_PRELOAD=<library> to time that one, without to time glibc. `bench/compare.py` does so for
// all allocators and writes one table.

#include <benchmark/benchmark.h>

#include "bench/malloc/cases.h"

namespace bench {

std::string size_name(std::size_t size)
{
    constexpr std::size_t kKiB = 1024;
    if (size % (kKiB * kKiB) == 0) return std::to_string(size / (kKiB * kKiB)) + "M";
    if (size % kKiB == 0) return std::to_string(size / kKiB) + "K";
    return std::to_string(size);
}

} // namespace bench

int main(int argc, char** argv)
{
    bench::register_pair_cases();
    bench::register_replacement_cases();
    bench::register_batch_cases();
    bench::register_resize_cases();
    bench::register_thread_cases();

    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
