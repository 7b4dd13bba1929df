// SPDX-License-Identifier: MIT
//
// What is measured of arenas that are files.

#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <unistd.h>

#include <benchmark/benchmark.h>

#include "bench/resources/per_block.h"

namespace bench {

inline constexpr std::size_t kNodes = 10'000;

/// A name for a file, which is removed at the end.
class TemporaryFile {
public:
    TemporaryFile() = default;
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() { std::filesystem::remove(path_); }

    const std::string& path() const { return path_; }

private:
    std::string path_ =
        std::filesystem::temp_directory_path() / ("tarn-bench-" + std::to_string(getpid()));
};

/// Each block goes back before the next one comes.
template <class Resource> void run_pairs(benchmark::State& state, Resource& resource)
{
    for ([[maybe_unused]] auto _ : state) {
        void* block = resource.allocate(64, 16);
        *static_cast<volatile std::byte*>(block) = std::byte{1};
        benchmark::DoNotOptimize(block);
        resource.deallocate(block, 64, 16);
    }
    state.counters["per_block"] = per_block(1);
}

} // namespace bench
