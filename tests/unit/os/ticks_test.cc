// SPDX-License-Identifier: MIT

#include "src/os/ticks.h"

#include <chrono>
#include <thread>

#include <gtest/gtest.h>

namespace tarn::os {

namespace {

TEST(Ticks, AreFineEnoughToTellMallocsApart)
{
    TickRate rate;
    rate.start();
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    const double nanoseconds = rate.nanoseconds_per_tick();
    EXPECT_GE(nanoseconds, 5);
    EXPECT_LE(nanoseconds, 100);
}

TEST(Ticks, AreAsLongAsTheRateSays)
{
    TickRate rate;
    rate.start();
    const auto start = std::chrono::steady_clock::now();
    const std::uint64_t first = ticks();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const std::uint64_t last = ticks();
    const std::chrono::duration<double, std::nano> most = std::chrono::steady_clock::now() - start;
    const double seen = static_cast<double>(last - first) * rate.nanoseconds_per_tick();
    EXPECT_GE(seen, 20e6 * 0.99);
    EXPECT_LE(seen, most.count() * 1.01);
}

} // namespace

} // namespace tarn::os
