// SPDX-License-Identifier: MIT
//
// Budget: how much memory is handed out, the most there ever was, and the most there may be
// (limit=SIZE).
//
// Counted are slabs and fallback blocks while they are handed out, reserved before the memory is
// taken: the sum never exceeds the limit, also for threads that race. Free memory that waits for
// reuse or for its way back does not count.

#pragma once

#include <atomic>
#include <cstddef>

#include "src/heap/pressure.h"
#include "src/os/mutex.h"

namespace tarn {

class Budget {
public:
    /// `limit` in bytes, 0 for none. `warn` is called once, when 90 % are in use, outside locks.
    void set(std::size_t limit, void (*warn)(std::size_t used, std::size_t limit))
    {
        warn_ = warn;
        limit_ = limit;
    }

    /// Takes `size` bytes of the budget. Errors: false, nothing is taken. Any thread.
    /// Cost: an atomic operation where there are threads.
    bool reserve(std::size_t size)
    {
        if (limit_ != 0) return reserve_limited(size);
        note_peak(add(size));
        return true;
    }

    void release(std::size_t size) { add(0 - size); }

    std::size_t limit() const { return limit_; }
    std::size_t used() const { return used_.load(std::memory_order_relaxed); }
    std::size_t peak() const { return peak_.load(std::memory_order_relaxed); }

private:
    /// Returns the sum.
    std::size_t add(std::size_t size)
    {
        if (!os::is_single_threaded())
            return used_.fetch_add(size, std::memory_order_relaxed) + size;
        const std::size_t sum = used_.load(std::memory_order_relaxed) + size;
        used_.store(sum, std::memory_order_relaxed);
        return sum;
    }

    bool reserve_limited(std::size_t size)
    {
        std::size_t used = used_.load(std::memory_order_relaxed);
        do {
            if (size > limit_ || used > limit_ - size) {
                pressure_counters.limit.add();
                return false;
            }
        } while (!used_.compare_exchange_weak(used, used + size, std::memory_order_relaxed));
        note_peak(used + size);
        if (used + size > limit_ / 10 * 9 && !warned_.exchange(true, std::memory_order_relaxed))
            warn_(used + size, limit_);
        return true;
    }

    void note_peak(std::size_t used)
    {
        std::size_t peak = peak_.load(std::memory_order_relaxed);
        while (used > peak && !peak_.compare_exchange_weak(peak, used, std::memory_order_relaxed)) {
        }
    }

    // Set once at start-up, before there is a second thread.
    std::size_t limit_ = 0;
    void (*warn_)(std::size_t used, std::size_t limit) = nullptr;
    std::atomic<std::size_t> used_{0};
    std::atomic<std::size_t> peak_{0};
    std::atomic<bool> warned_{false};
};

inline constinit Budget budget;

} // namespace tarn
