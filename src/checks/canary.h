// SPDX-License-Identifier: MIT
//
// Canaries: bytes around a block that nobody has reason to write to.

#pragma once

#include <cstddef>
#include <cstdint>

#include "src/checks/block_record.h"

namespace tarn {

/// Bytes that are not as they were left; `size` 0: all are.
struct Change {
    std::uintptr_t start = 0; // the first one
    std::size_t size = 0;     // up to the last one
    std::uint8_t expected = 0;

    explicit operator bool() const { return size != 0; }
};

namespace canary {

/// Behind the last byte asked for there is at least one byte of canary, at most two words of it;
/// in front of the first there are two. A program that leaves out so many bytes is not found out.
inline constexpr std::size_t kShortest = 1;
inline constexpr std::size_t kFront = 16;

namespace detail {
extern constinit std::uint64_t secret;
}

/// Draws the secret of this process. Before the first fill().
void initialise();

/// The canary's word of a block: nobody who does not know the secret can write it, and no byte of
/// it is zero, for a string that is too long by its end is the commonest overflow of all.
/// Its bytes lie as the words of memory do, at multiples of eight.
inline std::uint64_t word_of(std::uintptr_t start)
{
    std::uint64_t mixed = (start ^ detail::secret) * 0x9E3779B97F4A7C15U; // Fibonacci hashing
    mixed ^= mixed >> 32U;
    return mixed | 0x8080808080808080U;
}

void fill(const CheckedPlace& place);
/// What has changed in front of the block.
Change check_front(const CheckedPlace& place);
/// What has changed behind it.
Change check_back(const CheckedPlace& place);

} // namespace canary

} // namespace tarn
