// SPDX-License-Identifier: MIT
//
// Argument checks of the libc functions, each with the rule that it enforces.

#pragma once

#include <bit>
#include <cstddef>
#include <limits>

#include "src/base/units.h"

namespace tarn {

/// ISO C 7.24.3: no object is larger than PTRDIFF_MAX, or pointers into it could not be
/// subtracted. glibc refuses such sizes since 2.30.
constexpr bool is_possible_size(std::size_t size)
{
    return size <= std::size_t{std::numeric_limits<std::ptrdiff_t>::max()};
}

/// calloc, reallocarray: the product must be representable. False: it is not.
inline bool multiply(std::size_t count, std::size_t size, std::size_t& product)
{
    return !__builtin_mul_overflow(count, size, &product);
}

/// POSIX posix_memalign: "a power of two multiple of sizeof(void *)".
constexpr bool is_posix_alignment(std::size_t alignment)
{
    return is_power_of_two(alignment) && alignment % sizeof(void*) == 0;
}

/// glibc memalign(3): an alignment that is no power of two is rounded up to the next one.
/// Errors: 0, there is none.
constexpr std::size_t next_alignment(std::size_t alignment)
{
    if (alignment > (std::numeric_limits<std::size_t>::max() >> 1) + 1) return 0;
    return std::bit_ceil(alignment);
}

} // namespace tarn
