// SPDX-License-Identifier: MIT
//
// The one random number generator of the benchmarks: the same seed gives the same requests to
// every allocator, and a step costs about a nanosecond, so it does not hide the allocator.

#pragma once

#include <cstddef>
#include <cstdint>

namespace bench {

class Random {
public:
    explicit constexpr Random(std::uint64_t seed) : state_(seed * kSpread + 1) {}

    constexpr std::uint64_t next()
    {
        state_ ^= state_ << 13U;
        state_ ^= state_ >> 7U;
        state_ ^= state_ << 17U;
        return state_;
    }

    /// A number in [0, bound). A multiplication instead of a division, which would cost more than
    /// a whole malloc. Requires: bound < 2^32.
    constexpr std::size_t below(std::size_t bound)
    {
        return static_cast<std::size_t>(((next() >> 32U) * bound) >> 32U);
    }

    /// A number in [low, high].
    constexpr std::size_t between(std::size_t low, std::size_t high)
    {
        return low + below(high - low + 1);
    }

    /// A number in [low, high), small ones as likely per doubling as large ones, as in the size
    /// statistics of most programs.
    constexpr std::size_t by_doubling(std::size_t low, std::size_t high)
    {
        std::size_t doublings = 0;
        while ((low << (doublings + 1)) < high)
            ++doublings;
        const std::size_t base = low << below(doublings + 1);
        const std::size_t top = base * 2 < high ? base * 2 : high;
        return base + below(top - base);
    }

private:
    // Small seeds differ in a few bits only; without this their first numbers would be alike.
    static constexpr std::uint64_t kSpread = 0x9E3779B97F4A7C15U;

    std::uint64_t state_;
};

} // namespace bench
