// SPDX-License-Identifier: MIT
//
// How often memory was short. Counted where that is found out, never on a fast path.

#pragma once

#include <atomic>
#include <cstdint>

#include "src/base/heap_view.h"
#include "src/os/process.h"

namespace tarn {

/// Thread safety: any thread.
class PressureCounter {
public:
    void add()
    {
        if (count_.fetch_add(1, std::memory_order_relaxed) == 0)
            first_at_.store(os::clock_milliseconds(), std::memory_order_relaxed);
    }
    PressureEvent get() const
    {
        return {.count = count_.load(std::memory_order_relaxed),
                .first_at = first_at_.load(std::memory_order_relaxed)};
    }

private:
    std::atomic<std::uint64_t> count_{0};
    std::atomic<std::uint64_t> first_at_{0};
};

/// See Pressure.
struct PressureCounters {
    PressureCounter failures;
    PressureCounter limit;
    PressureCounter system;
    PressureCounter trims;
    PressureCounter drainings;
};

inline constinit PressureCounters pressure_counters;

} // namespace tarn
