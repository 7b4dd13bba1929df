// SPDX-License-Identifier: MIT
//
// What is known of the blocks of a site beyond their number: sizes, lifetimes, threads, and what
// realloc did. Threads that allocate at the same place at once wait for each other wherever they
// write, so little is written: blocks of the size that the site's first one had are what is left of
// all when those of other sizes are taken off; and only some have their time taken.

#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "src/base/observer.h"
#include "src/os/mutex.h"
#include "src/os/ticks.h"

namespace tarn {

/// A counter that any thread adds to.
class SiteCounter {
public:
    /// `is_alone`: os::is_single_threaded(), for who adds to several.
    void add(std::uint64_t more, bool is_alone = os::is_single_threaded())
    {
        fetch_add(more, is_alone);
    }
    void subtract(std::uint64_t less, bool is_alone)
    {
        fetch_add(std::uint64_t{0} - less, is_alone);
    }
    /// Returns what it was before.
    [[gnu::always_inline]] std::uint64_t fetch_add(std::uint64_t more, bool is_alone)
    {
        if (!is_alone) return value_.fetch_add(more, std::memory_order_relaxed);
        const std::uint64_t before = value_.load(std::memory_order_relaxed);
        value_.store(before + more, std::memory_order_relaxed);
        return before;
    }
    std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

protected:
    std::atomic<std::uint64_t> value_{0};
};

/// The largest of what it was told, at first 0.
class SiteMaximum {
public:
    void raise(std::uint64_t value)
    {
        std::uint64_t most = most_.load(std::memory_order_relaxed);
        while (value > most)
            [[unlikely]] if (most_.compare_exchange_weak(most, value,
                                                         std::memory_order_relaxed)) break;
    }
    std::uint64_t get() const { return most_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> most_{0};
};

/// Which threads, by their numbers from 1 on: exact as long as there are no more than 64.
class SiteThreads {
public:
    void add(std::uint32_t thread)
    {
        const std::uint64_t bit = std::uint64_t{1} << ((thread - 1) % 64);
        if ((mask_.load(std::memory_order_relaxed) & bit) == 0) [[unlikely]]
            mask_.fetch_or(bit, std::memory_order_relaxed);
    }
    std::uint64_t mask() const { return mask_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> mask_{0};
};

/// The first of what it was told.
class SiteFirst {
public:
    /// Whether it is the first, or the same as that.
    bool is(std::uint64_t value)
    {
        std::uint64_t first = first_.load(std::memory_order_relaxed);
        if (first != 0) [[likely]]
            return first == value + 1;
        return first_.compare_exchange_strong(first, value + 1, std::memory_order_relaxed) ||
               first == value + 1;
    }
    bool is_known() const { return first_.load(std::memory_order_relaxed) != 0; }
    /// Requires: is_known().
    std::uint64_t get() const { return first_.load(std::memory_order_relaxed) - 1; }

private:
    std::atomic<std::uint64_t> first_{0}; // and 1; 0: none so far
};

/// How many blocks of each size: up to 16 bytes, up to 32, and so on by doublings, more than
/// 128 KiB.
namespace size_buckets {
inline constexpr std::size_t kCount = 15;

constexpr std::size_t bucket_of(std::uint64_t size)
{
    const std::uint64_t last = (size == 0 ? 0 : size - 1) | 15U;
    return std::min(static_cast<std::size_t>(std::bit_width(last)) - 4, kCount - 1);
}
/// The smallest and the largest size in a bucket; the last one has no largest.
constexpr std::uint64_t smallest_in(std::size_t bucket)
{
    return bucket == 0 ? 0 : (std::uint64_t{16} << (bucket - 1)) + 1;
}
constexpr std::uint64_t largest_in(std::size_t bucket)
{
    return std::uint64_t{16} << bucket;
}
} // namespace size_buckets

/// One bucket: how many, and, as long as all are of one size, that size. In one word, so that one
/// addition counts and says what the size was.
class SizeBucket : private SiteCounter {
public:
    void add(std::uint64_t size, bool is_alone, std::uint64_t blocks = 1)
    {
        const std::uint64_t own = std::min<std::uint64_t>(size + 1, kMixed);
        const std::uint64_t before = fetch_add(blocks, is_alone) >> kCountBits;
        if (before != own && before != kMixed) mark(own);
    }

    std::uint64_t count() const { return get() & ((std::uint64_t{1} << kCountBits) - 1); }
    /// Whether all are of one size, and it is known which.
    bool is_uniform() const
    {
        const std::uint64_t mark = get() >> kCountBits;
        return mark != 0 && mark != kMixed;
    }
    /// Requires: is_uniform().
    std::uint64_t size() const { return (get() >> kCountBits) - 1; }

private:
    static constexpr std::uint64_t kMixed = (1U << 20U) - 1; // or too large to be told apart
    /// Two weeks of nothing but malloc at one place would be more.
    static constexpr unsigned kCountBits = 44;

    void mark(std::uint64_t wanted)
    {
        std::uint64_t word = value_.load(std::memory_order_relaxed);
        std::uint64_t marked = 0;
        do {
            const std::uint64_t before = word >> kCountBits;
            const std::uint64_t mark = before == 0 || before == wanted ? wanted : kMixed;
            marked = (word & ((std::uint64_t{1} << kCountBits) - 1)) | mark << kCountBits;
        } while (!value_.compare_exchange_weak(word, marked, std::memory_order_relaxed));
    }
};

/// When and by whom a block was allocated, as BlockNote::born has it: two bits that say what
/// follows, 46 of os::ticks() or of the thread's count of allocations, 16 of its number. Of one
/// thread no two are alike.
///
/// The clock is read for the first 64 blocks of a site and then for one in sixteen, each of which
/// stands for as many: reading it for all took 40 ns of a malloc and free that took 150 (2 cores of
/// an Intel Xeon VM, measured 2026-11-22).
class Birth {
public:
    static constexpr std::uint64_t kTimedAtFirst = 64;
    static constexpr std::uint64_t kOneIn = 16;

    /// Of a block whose site had allocated `before`, and which is the `count`th of the thread.
    static std::uint64_t of(std::uint64_t before, std::uint64_t count, std::uint32_t thread)
    {
        if (before < kTimedAtFirst) return made(timed, os::ticks(), thread);
        if (!is_chosen(count)) [[likely]]
            return made(untimed, count, thread);
        return made(timed_for_more, os::ticks(), thread);
    }

    /// How many blocks it stands for; 0: its time was not taken.
    static std::uint64_t weight(std::uint64_t birth)
    {
        const std::uint64_t kind = birth >> kKindShift;
        if (kind == untimed) [[likely]]
            return 0;
        return kind == timed ? 1 : kOneIn;
    }
    /// Ticks from then to `now`. Requires: its time was taken.
    static std::uint64_t age(std::uint64_t birth, std::uint64_t now = os::ticks())
    {
        const std::uint64_t then = birth >> kThreadBits;
        const auto age = static_cast<std::int64_t>((now - then) << kAbove) >> kAbove;
        // The clock of one processor may be a little behind that of another.
        return age > 0 ? static_cast<std::uint64_t>(age) : 0;
    }
    /// Whether the thread of that number allocated it; of 65536 threads two are alike.
    static bool is_by(std::uint64_t birth, std::uint32_t thread)
    {
        return ((birth ^ thread) & kThreadMask) == 0;
    }

private:
    static constexpr unsigned kThreadBits = 16;
    static constexpr std::uint64_t kThreadMask = (std::uint64_t{1} << kThreadBits) - 1;
    static constexpr unsigned kKindShift = 62;
    static constexpr unsigned kAbove = 64 - kKindShift + kThreadBits; // what ticks have no room for
    enum Kind : std::uint64_t { untimed, timed, timed_for_more };

    static std::uint64_t made(Kind kind, std::uint64_t what, std::uint32_t thread)
    {
        return kind << kKindShift | what << kAbove >> (kAbove - kThreadBits) |
               (thread & kThreadMask);
    }
    /// As if by chance: a program may do the same thing every sixteenth time.
    static bool is_chosen(std::uint64_t count)
    {
        constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15U;
        const std::uint64_t mixed = count * kMultiplier;
        return (mixed ^ mixed >> 32U) * kMultiplier < ~std::uint64_t{0} / kOneIn;
    }
};

/// How many blocks lived how long: less than 128 ticks, less than 512, and so on by four.
namespace age_buckets {
inline constexpr std::size_t kCount = 15;

constexpr std::size_t bucket_of(std::uint64_t age)
{
    const auto width = static_cast<std::size_t>(std::bit_width(age | 127U));
    return std::min((width - 6) / 2, kCount - 1);
}
/// All in a bucket lived less than this; the last one has no end.
constexpr std::uint64_t end_of(std::size_t bucket)
{
    return std::uint64_t{128} << 2 * bucket;
}
} // namespace age_buckets

/// All zero is one of which nothing is known.
struct SiteDetail {
    /// `thread`: the caller's number. `is_alone`: os::is_single_threaded(). `blocks`: of a sample,
    /// as many as this one stands for.
    [[gnu::always_inline]] void allocated(std::uint64_t size, std::uint32_t thread, bool is_alone,
                                          std::uint64_t blocks = 1)
    {
        threads.add(thread);
        if (first_size.is(size)) [[likely]]
            return;
        sizes[size_buckets::bucket_of(size)].add(size, is_alone, blocks);
        largest.raise(size);
        smallest.raise(~size);
    }

    /// `weight`: of its birth, not 0.
    void freed(std::uint64_t age, std::uint64_t weight)
    {
        longest.raise(age);
        ages[age_buckets::bucket_of(age)].add(weight);
    }

    void resized(std::uint64_t bytes, std::uint64_t blocks = 1)
    {
        resizes.add(blocks);
        copied.add(blocks * bytes);
    }

    SiteThreads threads;       // that allocated
    SiteFirst first_size;      // its blocks are not in `sizes`
    SiteMaximum largest;       // size of the others
    SiteMaximum smallest;      // all its bits turned round
    SiteMaximum longest;       // age
    std::uint64_t peak_blocks; // in use when the process had most in use
    std::uint64_t peak_bytes;
    std::uint64_t peak_rounding;
    SiteCounter resizes; // blocks that realloc() had made of others
    SiteCounter copied;  // bytes, by that
    SiteCounter samples; // that the site's figures are estimated from, if only a sample is told
    std::array<SizeBucket, size_buckets::kCount> sizes;
    std::array<SiteCounter, age_buckets::kCount> ages;
};

} // namespace tarn
