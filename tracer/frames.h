// SPDX-License-Identifier: MIT
//
// Frames: what a program does between two marks of a thread, a turn of its main loop or a request;
// how long they take and what the thread allocates in them. Frames of all threads are counted
// together, in the order of their ends.

#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "src/os/mutex.h"

namespace tarn {

/// How many figures there are of about each size: exact below 16, then within a sixteenth.
class FrameHistogram {
public:
    void add(std::uint64_t value)
    {
        ++counts_[bucket_of(value)];
        ++count_;
        sum_ += value;
        most_ = std::max(most_, value);
    }

    std::uint64_t count() const { return count_; }
    std::uint64_t sum() const { return sum_; }
    std::uint64_t most() const { return most_; } // exact
    /// The value that so many percent of all are not above, or a little less. 0: there are none.
    std::uint64_t percentile(std::uint64_t percent) const;

private:
    // A value has its bucket by its highest bit and the three behind it.
    static constexpr std::size_t kPerDoubling = 8;
    static constexpr std::size_t kExact = 16;

    static std::size_t bucket_of(std::uint64_t value)
    {
        if (value < kExact) return static_cast<std::size_t>(value);
        const auto above = static_cast<std::size_t>(std::bit_width(value)) - 4;
        return above * kPerDoubling + static_cast<std::size_t>(value >> above);
    }
    static std::uint64_t middle_of(std::size_t bucket);

    std::uint64_t count_ = 0;
    std::uint64_t sum_ = 0;
    std::uint64_t most_ = 0;
    std::array<std::uint64_t, 62 * kPerDoubling> counts_{};
};

struct Frame {
    std::uint64_t number; // counted from 1; 0: there is none
    std::uint32_t thread; // its number, in the order in which threads first allocated or marked
    std::uint64_t ticks;  // that it took, of os::ticks()
    std::uint64_t ended;  // ticks
    std::uint64_t allocations;
    std::uint64_t bytes;
};

/// Where a thread's frame began. All zero: it has none yet.
struct FrameStart {
    bool is_known;
    std::uint64_t ticks;
    std::uint64_t allocations; // of the thread, up to then
    std::uint64_t bytes;
};

/// All frames so far. All zero: there are none.
struct FrameTotals {
    static constexpr std::size_t kWindow = 256;
    static constexpr std::size_t kWorst = 3;

    void add(const Frame& frame);

    std::uint64_t count() const { return ticks.count(); }

    std::uint64_t threads = 0; // that have marked
    FrameHistogram ticks;
    FrameHistogram allocations;
    FrameHistogram bytes;
    std::array<Frame, kWindow> window{}; // the last ones, by number
    std::array<Frame, kWorst> longest{}; // longest first
    std::array<Frame, kWorst> busiest{}; // most allocations first
};

/// Thread safety: any thread.
class FrameTable {
public:
    /// `now` has the thread's counts; its frame began at `start`, which becomes `now`.
    /// Without memory for a table nothing is counted.
    /// Requires: on a slow path, so that no fork() comes in between.
    void end(FrameStart& start, const FrameStart& now, std::uint32_t thread);

    void copy(FrameTotals& totals);

    /// Takes over those of a state file, see StackTrie::adopt().
    void adopt(FrameTotals* totals) { totals_ = totals; }

    /// In a child of fork(), where nobody holds the lock.
    void reset_lock() { mutex_.reset(); }

private:
    FrameTotals* totals_ = nullptr; // from the first mark on; guarded by mutex_
    os::Mutex mutex_;
};

extern constinit FrameTable frame_table;

} // namespace tarn
