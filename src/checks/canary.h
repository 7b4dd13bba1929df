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

/// Draws the secret of this process. Before the first fill().
void initialise();

void fill(const CheckedPlace& place);
/// What has changed in front of the block.
Change check_front(const CheckedPlace& place);
/// What has changed behind it.
Change check_back(const CheckedPlace& place);

} // namespace canary

} // namespace tarn
