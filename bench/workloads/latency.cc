// SPDX-License-Identifier: MIT
//
// How long single calls of malloc and free take, and how long the slowest: two threads replace
// blocks at random, each call is timed on its own. One block in eight goes to the other thread and
// is freed there. Sizes: mostly small, one in a hundred up to 64 KiB.
//
// Prints nanoseconds at percentiles of all calls. What the system does to a thread meanwhile, as
// taking its processor away, is in the figures of the last percentiles, for every allocator alike.

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "bench/workloads/support.h"

namespace {

using Clock = std::chrono::steady_clock;

/// Time in ticks of whatever counts fastest.
std::uint64_t ticks()
{
#if defined(__x86_64__)
    return __rdtsc();
#else
    return static_cast<std::uint64_t>(Clock::now().time_since_epoch().count());
#endif
}

double nanoseconds_per_tick()
{
    const Clock::time_point start = Clock::now();
    const std::uint64_t first = ticks();
    while (Clock::now() - start < std::chrono::milliseconds(50)) {
    }
    const std::uint64_t last = ticks();
    const std::chrono::duration<double, std::nano> elapsed = Clock::now() - start;
    return elapsed.count() / static_cast<double>(last - first);
}

/// Counts by logarithmic buckets, 32 per doubling: exact to 3 %.
class Histogram {
public:
    void add(std::uint64_t value)
    {
        ++counts_[bucket_of(value)];
        ++total_;
        most_ = std::max(most_, value);
    }
    void add(const Histogram& other)
    {
        for (std::size_t i = 0; i < counts_.size(); ++i)
            counts_[i] += other.counts_[i];
        total_ += other.total_;
        most_ = std::max(most_, other.most_);
    }
    /// The value that `share` of all do not exceed.
    std::uint64_t at(double share) const
    {
        auto left = static_cast<std::uint64_t>(static_cast<double>(total_) * share);
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            if (counts_[i] > left) return first_in(i);
            left -= counts_[i];
        }
        return most_;
    }
    std::uint64_t most() const { return most_; }

private:
    static constexpr int kBits = 5;

    static std::size_t bucket_of(std::uint64_t value)
    {
        if (value < (1U << kBits)) return value;
        const int shift = std::bit_width(value) - kBits - 1;
        return (static_cast<std::size_t>(shift + 1) << kBits) + (value >> shift) - (1U << kBits);
    }
    static std::uint64_t first_in(std::size_t bucket)
    {
        if (bucket < (1U << kBits)) return bucket;
        const std::size_t shift = (bucket >> kBits) - 1;
        return ((bucket & ((1U << kBits) - 1)) + (1U << kBits)) << shift;
    }

    std::array<std::uint64_t, (64 - kBits + 1) << kBits> counts_{};
    std::uint64_t total_ = 0;
    std::uint64_t most_ = 0;
};

struct Latencies {
    Histogram mallocs;
    Histogram frees;
};

constexpr std::size_t kThreads = 2;
constexpr std::size_t kSlots = 10000;

/// Blocks on their way from one thread to the other.
std::array<std::array<std::atomic<void*>, 256>, kThreads> mail;

std::size_t any_size(bench::Random& random)
{
    return random.below(100) == 0 ? random.by_doubling(1024, 65536) : random.by_doubling(8, 1024);
}

void free_timed(void* block, Latencies& latencies)
{
    const std::uint64_t start = ticks();
    std::free(block);
    latencies.frees.add(ticks() - start);
}

void work(std::size_t number, std::size_t steps, Latencies& latencies)
{
    bench::Random random(number + 1);
    std::vector<void*> blocks(kSlots);
    for (std::size_t i = 0; i < steps; ++i) {
        const std::size_t size = any_size(random);
        const std::uint64_t start = ticks();
        void* fresh = std::malloc(size);
        latencies.mallocs.add(ticks() - start);
        bench::require(fresh != nullptr, "malloc returned NULL");
        bench::stamp(fresh, size);
        std::swap(fresh, blocks[random.below(kSlots)]);
        if (i % 8 == 0) fresh = mail[1 - number][random.below(256)].exchange(fresh);
        if (fresh != nullptr) free_timed(fresh, latencies);
        void* const received =
            i % 8 == 1 ? mail[number][random.below(256)].exchange(nullptr) : nullptr;
        if (received != nullptr) free_timed(received, latencies);
    }
    for (void* const block : blocks)
        std::free(block);
}

void print(const char* name, const Histogram& histogram, double scale, const char* end)
{
    std::printf("\"%s\": {", name);
    constexpr std::array kShares{0.5, 0.99, 0.999, 0.9999};
    constexpr std::array kNames{"p50", "p99", "p99.9", "p99.99"};
    for (std::size_t i = 0; i < kShares.size(); ++i)
        std::printf("\"%s\": %.1f, ", kNames[i],
                    static_cast<double>(histogram.at(kShares[i])) * scale);
    std::printf("\"max\": %.0f}%s", static_cast<double>(histogram.most()) * scale, end);
}

} // namespace

int main(int argc, char** argv)
{
    const std::size_t operations = bench::argument(argc, argv, 1, 100000000);
    const double scale = nanoseconds_per_tick();
    std::array<std::unique_ptr<Latencies>, kThreads> latencies;
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < kThreads; ++i) {
        latencies[i] = std::make_unique<Latencies>();
        threads.emplace_back(work, i, operations / 2 / kThreads, std::ref(*latencies[i]));
    }
    for (std::thread& thread : threads)
        thread.join();
    for (auto& slots : mail)
        for (std::atomic<void*>& slot : slots)
            std::free(slot.load());
    latencies[0]->mallocs.add(latencies[1]->mallocs);
    latencies[0]->frees.add(latencies[1]->frees);
    std::printf("{");
    print("malloc", latencies[0]->mallocs, scale, ", ");
    print("free", latencies[0]->frees, scale, "}\n");
    return 0;
}
