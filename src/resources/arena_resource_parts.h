// SPDX-License-Identifier: MIT
//
// What an arena takes from upstream.

#pragma once

#include <tarn/arena_resource.h>

namespace tarn {

/// Heads a chunk. As large as the strictest fundamental alignment needs, so that the first block
/// lies right behind it.
struct alignas(std::max_align_t) ArenaResource::Chunk {
    Chunk* next;
    std::size_t size;   // with this head
    std::size_t used;   // by blocks, when the arena went on to the next chunk
    std::size_t number; // 0: the first

    std::uintptr_t begin() const { return reinterpret_cast<std::uintptr_t>(this + 1); }
    std::uintptr_t end() const { return reinterpret_cast<std::uintptr_t>(this) + size; }
};

/// Heads memory that a block has for its own; at its very beginning, since whoever looks for leaks
/// takes a pointer into the middle of a block for a chance hit.
struct alignas(std::max_align_t) ArenaResource::Large {
    Large* older;
    std::size_t size;      // of the memory
    std::size_t alignment; // of the memory
    std::size_t offset;    // of the block
    std::size_t bytes;     // of the block
    std::uint64_t number;  // counted from 1

    std::uintptr_t block() const { return reinterpret_cast<std::uintptr_t>(this) + offset; }
};

} // namespace tarn
