// SPDX-License-Identifier: MIT
//
// Byte counts and rounding. A bare std::size_t is always bytes.

#pragma once

#include <cstddef>
#include <cstdint>

namespace tarn {

constexpr std::size_t KiB(std::size_t n)
{
    return n << 10;
}

constexpr std::size_t MiB(std::size_t n)
{
    return n << 20;
}

constexpr std::size_t GiB(std::size_t n)
{
    return n << 30;
}

/// Rounds `n` up to a multiple of `step`. Requires: step is a power of two, no overflow.
constexpr std::size_t round_up(std::size_t n, std::size_t step)
{
    return (n + step - 1) & ~(step - 1);
}

/// Smallest quotient q with q * step >= n.
constexpr std::size_t divide_up(std::size_t n, std::size_t step)
{
    return (n + step - 1) / step;
}

constexpr bool is_power_of_two(std::size_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

/// Whether new memory must read as zero: the difference between malloc() and calloc().
enum class Zero : bool { no, yes };

} // namespace tarn
