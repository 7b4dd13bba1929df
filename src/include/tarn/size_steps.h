// SPDX-License-Identifier: MIT
//
// The block sizes of resources that serve several: every 16 bytes up to 128, then four per
// doubling, so that less than a fifth of a block is lost to rounding.

#pragma once

#include <bit>
#include <cstddef>

namespace tarn::detail {

inline constexpr std::size_t kSizeStep = 16;
inline constexpr std::size_t kEvenSteps = 8; // sizes up to 128

/// Number of the smallest size that holds `bytes`. Requires: bytes > 0.
constexpr std::size_t size_step_of(std::size_t bytes)
{
    const std::size_t last = bytes - 1;
    if (last < kSizeStep * kEvenSteps) return last / kSizeStep;
    const auto doubling = static_cast<std::size_t>(std::bit_width(last)) - 8;
    return kEvenSteps + doubling * 4 + ((last >> (doubling + 5)) - 4);
}

/// Bytes of the size with this number.
constexpr std::size_t size_of_step(std::size_t step)
{
    if (step < kEvenSteps) return (step + 1) * kSizeStep;
    const std::size_t doubling = (step - kEvenSteps) / 4;
    return (5 + (step - kEvenSteps) % 4) << (doubling + 5);
}

/// The alignment that all blocks of a size can have if the first one has it.
constexpr std::size_t alignment_of_step(std::size_t step)
{
    return size_of_step(step) & (~size_of_step(step) + 1);
}

/// As size_step_of(), of a size whose blocks are aligned, too. Requires: is_serviceable().
constexpr std::size_t size_step_of(std::size_t bytes, std::size_t alignment)
{
    if (alignment <= kSizeStep) [[likely]]
        return size_step_of(bytes); // all sizes are a multiple of that
    std::size_t step = size_step_of(bytes < alignment ? alignment : bytes);
    while (alignment_of_step(step) < alignment) // a power of two is never more than four away
        ++step;
    return step;
}

static_assert(size_step_of(1) == 0 && size_step_of(128) == 7 && size_step_of(129) == 8);
static_assert(size_of_step(8) == 160 && size_of_step(11) == 256 && size_of_step(12) == 320);
static_assert([] {
    for (std::size_t step = 0; step < 100; ++step) {
        if (size_step_of(size_of_step(step)) != step) return false;
        if (size_step_of(size_of_step(step) + 1) != step + 1) return false;
    }
    return true;
}());

} // namespace tarn::detail
