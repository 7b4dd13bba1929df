// SPDX-License-Identifier: MIT
//
// Counts that many threads add to, and few ask for.
//
//     shard [ 17 | padding ]   shard [ 4 | padding ]   ...      total() = 17 + 4 + ...
//        ^ threads 0, 8, ...      ^ threads 1, 9, ...

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <tarn/api.h>
#include <tarn/cache_aligned.h>
#include <tarn/resource.h>

namespace tarn {

namespace detail {

/// No thread had it before; from 1 on.
TARN_API std::size_t next_thread_number() noexcept;

// Constant at first, so that its use needs no guard.
inline constinit thread_local std::size_t number_of_this_thread = 0;

/// Of the calling thread; threads that ask one after the other have numbers in a row.
inline std::size_t thread_number() noexcept
{
    if (number_of_this_thread == 0) [[unlikely]]
        number_of_this_thread = next_thread_number();
    return number_of_this_thread;
}

/// A power of two, not less than the threads that the machine runs at once, nor than 8.
TARN_API std::size_t shard_count() noexcept;

/// One for each thread that runs, and shared if there are more.
template <class Shard> class Shards {
public:
    Shard& mine() noexcept { return *shards_[thread_number() & (count_ - 1)]; }
    std::span<const CacheAligned<Shard>> all() const noexcept { return {shards_.get(), count_}; }

private:
    std::size_t count_ = shard_count();
    std::unique_ptr<CacheAligned<Shard>[]> shards_ =
        std::make_unique<CacheAligned<Shard>[]>(count_);
};

} // namespace detail

/// A count to which threads add without disturbing each other.
///
/// Every addition is counted once, in 64 bits that wrap. total() has all those that happened before
/// it, and may have some of those at the same time: so it is exact when the threads have ended, or
/// wait. Of one who only adds, no later total() is less than an earlier one of the same thread.
///
/// Cost: one uncontended locked instruction; total() reads a cache line for each shard; takes one
/// for each, too. Thread safety: any thread at any time.
class TARN_API ShardedCounter {
public:
    /// Errors: std::bad_alloc.
    ShardedCounter() = default;

    void add(std::uint64_t count = 1) noexcept
    {
        shards_.mine().fetch_add(count, std::memory_order_relaxed);
    }
    void subtract(std::uint64_t count = 1) noexcept
    {
        shards_.mine().fetch_sub(count, std::memory_order_relaxed);
    }
    std::uint64_t total() const noexcept;

private:
    detail::Shards<std::atomic<std::uint64_t>> shards_;
};

/// The statistics of a resource of many threads.
///
/// Exact at any time: `in_use` is what all calls so far make together, in an order that all threads
/// agree on; `peak_in_use` is the most that it ever was in that order (but for a call that is not
/// over yet), and never less than `in_use`. For that the bytes are one word that all threads share:
/// a peak of counts that are apart could only be a bound. The numbers of calls are totals as of
/// ShardedCounter; there are never more deallocations than allocations.
///
/// Note a deallocation before the block is given back: another thread could have it, and note it,
/// before. Cost: two locked instructions, one of them contended. Thread safety: any thread at any
/// time.
class TARN_API ShardedStatistics {
public:
    /// Errors: std::bad_alloc.
    ShardedStatistics() = default;

    void note_allocation(std::size_t bytes) noexcept;
    /// Requires: noted as allocated before.
    void note_deallocation(std::size_t bytes) noexcept;
    void note_failure() noexcept;

    /// Without what lies in between: `reserved` and `wasted` are 0.
    ResourceStatistics statistics() const noexcept;

private:
    struct Calls {
        std::atomic<std::uint64_t> allocations{0};
        std::atomic<std::uint64_t> deallocations{0};
        std::atomic<std::uint64_t> failures{0};
    };
    struct Bytes {
        std::atomic<std::size_t> in_use{0};
        std::atomic<std::size_t> peak{0};
    };

    detail::Shards<Calls> calls_;
    CacheAligned<Bytes> bytes_{};
};

} // namespace tarn
