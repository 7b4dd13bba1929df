// SPDX-License-Identifier: MIT
#include <algorithm>
#include <bit>
#include <thread>

#include <tarn/sharded_counter.h>

#include "src/resources/atomic_peak.h"

namespace tarn {

namespace detail {

std::size_t next_thread_number() noexcept
{
    static std::atomic<std::size_t> next{1};
    return next.fetch_add(1, std::memory_order_relaxed);
}

std::size_t shard_count() noexcept
{
    // Numbers of threads that come and go are as good as random: of two, few shards were often one.
    constexpr unsigned kLeast = 8;
    static const std::size_t count =
        std::bit_ceil(std::max(std::thread::hardware_concurrency(), kLeast));
    return count;
}

} // namespace detail

std::uint64_t ShardedCounter::total() const noexcept
{
    std::uint64_t total = 0;
    for (const auto& shard : shards_.all())
        total += shard->load(std::memory_order_relaxed);
    return total;
}

void ShardedStatistics::note_allocation(std::size_t bytes) noexcept
{
    calls_.mine().allocations.fetch_add(1, std::memory_order_relaxed);
    detail::raise_to(bytes_->peak,
                     bytes_->in_use.fetch_add(bytes, std::memory_order_relaxed) + bytes);
}

void ShardedStatistics::note_deallocation(std::size_t bytes) noexcept
{
    // Whoever sees this call sees the allocation of the block, which happened before.
    calls_.mine().deallocations.fetch_add(1, std::memory_order_release);
    bytes_->in_use.fetch_sub(bytes, std::memory_order_relaxed);
}

void ShardedStatistics::note_failure() noexcept
{
    calls_.mine().failures.fetch_add(1, std::memory_order_relaxed);
}

ResourceStatistics ShardedStatistics::statistics() const noexcept
{
    ResourceStatistics sum;
    for (const auto& shard : calls_.all())
        sum.deallocations += shard->deallocations.load(std::memory_order_acquire);
    for (const auto& shard : calls_.all()) {
        sum.allocations += shard->allocations.load(std::memory_order_relaxed);
        sum.failures += shard->failures.load(std::memory_order_relaxed);
    }
    sum.in_use = bytes_->in_use.load(std::memory_order_relaxed);
    sum.peak_in_use = std::max(bytes_->peak.load(std::memory_order_relaxed), sum.in_use);
    return sum;
}

} // namespace tarn
