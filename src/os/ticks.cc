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

Moment moment()
{
    const std::uint64_t now = nanoseconds();
    return {.ticks = ticks(), .nanoseconds = now};
}

double TickRate::nanoseconds_per_tick() const
{
    const Moment now = moment();
    if (now.ticks <= start_.ticks || now.nanoseconds <= start_.nanoseconds) return 1;
    return static_cast<double>(now.nanoseconds - start_.nanoseconds) /
           static_cast<double>(now.ticks - start_.ticks);
}

} // namespace tarn::os
