// SPDX-License-Identifier: MIT
//
// How a trace's totals have changed over time: a series of points of a fixed size, however long the
// program runs. There is neither a thread nor a timer for that: who allocates or frees looks now
// and then, which LiveTotals sees to.

#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "src/base/units.h"
#include "src/os/mutex.h"
#include "src/os/ticks.h"

namespace tarn {

struct TimelinePoint {
    std::uint64_t ticks; // of os::ticks()
    std::uint64_t bytes; // allocated so far
    std::uint64_t blocks;
    std::uint64_t freed_bytes; // and freed
    std::uint64_t freed_blocks;
    std::uint64_t read_bytes; // as the program tells
    std::uint64_t written_bytes;

    /// Whether it may be a later one of the same process.
    bool follows(const TimelinePoint& before) const
    {
        return ticks >= before.ticks && bytes >= before.bytes && blocks >= before.blocks &&
               freed_bytes >= before.freed_bytes && freed_blocks >= before.freed_blocks &&
               read_bytes >= before.read_bytes && written_bytes >= before.written_bytes;
    }
    std::uint64_t live_bytes() const { return bytes > freed_bytes ? bytes - freed_bytes : 0; }
    std::uint64_t live_blocks() const { return blocks > freed_blocks ? blocks - freed_blocks : 0; }
};

/// What there is of them. All zero: none.
struct TimelineTable {
    /// When there are so many, every second one is dropped, and the next ones come half as often.
    static constexpr std::size_t kMostPoints = 512;

    std::size_t size;
    std::array<TimelinePoint, kMostPoints> points;
};

/// Thread safety: any thread, but for start() and adopt().
class Timeline {
public:
    static constexpr std::size_t kMostPoints = TimelineTable::kMostPoints;
    /// A copy has one more: that of now.
    using Copy = std::array<TimelinePoint, kMostPoints + 1>;

    /// With the first point. Before that no look does anything, nor if there is no memory for them.
    void start();

    /// Takes over the points of a state file, see StackTrie::adopt(), as far as they are in order:
    /// the process may be changing them. `ended_at`: ticks when it was last heard of; 0: it runs.
    /// Errors: false, they are damaged.
    bool adopt(TimelineTable* table, std::uint64_t ended_at);

    /// Whether the one who has made `before` blocks so many more, of so many bytes, is to look: one
    /// in 64, and who takes or gives back much at once.
    static bool is_look_due(std::uint64_t before, std::uint64_t more, std::uint64_t bytes)
    {
        constexpr std::uint64_t kBlocksBetweenLooks = 64;
        constexpr std::uint64_t kMuch = KiB(32);
        return before % kBlocksBetweenLooks + more >= kBlocksBetweenLooks || bytes >= kMuch;
    }

    /// Adds a point if it is time for one. Cost: 10 ns.
    void look()
    {
        if (os::ticks() >= next_.load(std::memory_order_relaxed)) add();
    }

    /// The points so far, in the order of their times, and one of now. Returns how many.
    std::size_t copy(Copy& points);

    /// In a child of fork(), where nobody holds the lock.
    void reset_lock() { mutex_.reset(); }

private:
    static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
    /// Between the first points: a quarter of a millisecond to one.
    static constexpr std::uint64_t kFirstStep = std::uint64_t{1} << 14;

    void add();

    std::atomic<std::uint64_t> next_{kNever}; // ticks
    // Guarded by mutex_.
    std::uint64_t step_ = kFirstStep;
    TimelineTable* table_ = nullptr;
    std::uint64_t ended_at_ = 0; // see adopt()
    os::Mutex mutex_;
};

extern constinit Timeline timeline;

} // namespace tarn
