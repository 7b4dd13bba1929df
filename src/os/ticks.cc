// SPDX-License-Identifier: MIT

#include "src/os/ticks.h"

namespace tarn::os {

namespace {

std::uint64_t nanoseconds()
{
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec);
}

} // namespace

void TickRate::start()
{
    nanoseconds_ = nanoseconds();
    ticks_ = ticks();
}

double TickRate::nanoseconds_per_tick() const
{
    const std::uint64_t nanoseconds_now = nanoseconds();
    const std::uint64_t ticks_now = ticks();
    if (ticks_now <= ticks_ || nanoseconds_now <= nanoseconds_) return 1;
    return static_cast<double>(nanoseconds_now - nanoseconds_) /
           static_cast<double>(ticks_now - ticks_);
}

} // namespace tarn::os
