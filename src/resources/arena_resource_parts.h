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

/// Heads a block that has memory of its own.
struct alignas(std::max_align_t) ArenaResource::Large {
    Large* older;
    void* memory; // as upstream gave it; this head lies right in front of the block
    std::size_t size;
    std::size_t alignment; // of the memory
    std::size_t bytes;     // of the block
    std::uint64_t number;  // counted from 1

    std::uintptr_t block() const { return reinterpret_cast<std::uintptr_t>(this + 1); }
};

} // namespace tarn
