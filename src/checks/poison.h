// SPDX-License-Identifier: MIT
//
// Poison: what a block holds before the program has written to it, and after it was freed.
//
// Freed blocks say whose they were: each of their words is an address that no program can have (the
// upper bits are not as those of an address must be), and holds the number of the block. A pointer
// that is read from freed memory and followed leads to a fault whose registers name the block.

#pragma once

#include <cstddef>
#include <cstdint>

#include "src/checks/canary.h"

namespace tarn::poison {

/// What a new block is filled with, and what a freed one is; 0: with the words above.
void set_patterns(std::uint8_t allocated, std::uint8_t freed);

void fill_allocated(std::uintptr_t start, std::size_t size);
void fill_freed(std::uintptr_t start, std::size_t size);
/// What was written into a block since fill_freed().
Change check_freed(std::uintptr_t start, std::size_t size);

/// Whether a word is one of a new block's, or one up to a page beyond.
bool is_allocated(std::uint64_t word);

/// Start of the block that a word of poison, or one up to a page beyond, tells of; 0: it is none.
std::uintptr_t block_of(std::uint64_t word);

} // namespace tarn::poison
