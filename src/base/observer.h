// SPDX-License-Identifier: MIT
//
// What a mode that watches every block gives the heap: function pointers that preload connects, so
// that the heap need not know who watches.

#pragma once

#include <cstddef>
#include <cstdint>

namespace tarn {

/// Set in BlockNote::trace of a block that is not to be reported, nor what it leads to.
inline constexpr std::uint32_t kIgnored = std::uint32_t{1} << 31U;

/// What is remembered of a block in use. It lies beside the heap, never in the block.
struct BlockNote {
    std::uint32_t trace; // where it was allocated, see tracer/stack_trie.h; 0: not known
    std::uint64_t born;  // when, and by whom: the observer's own
    std::uint64_t size;  // bytes asked for
    std::uint64_t room;  // bytes that it takes, see usable_size()
};

/// The part of it that an observer chooses: of a size that is returned in registers.
struct BlockOrigin {
    std::uint64_t born;
    std::uint32_t trace;
};

/// Called on slow paths: no signal handler of the same thread and no fork() comes in between, and
/// neither may they call malloc. Thread safety: any number of threads at once.
struct Observer {
    /// `size` bytes are handed out, in a block with room for `room`, which stands for `weight` such
    /// blocks: 1 unless only a sample is told. Returns what to remember.
    BlockOrigin (*allocated)(std::size_t size, std::size_t room, std::uint32_t weight);
    /// A block is given back; what allocated() had returned for it.
    void (*freed)(const BlockNote& note);
    /// realloc() has made `note`'s block of another one, of which freed() and allocated() have
    /// told, and for that has copied so many bytes.
    void (*resized)(const BlockNote& note, std::size_t copied);
    /// The calling thread ends; it may still allocate.
    void (*thread_leaves)();

    /// Where the block is that allocated() has told of, what of `trace` it has returned for it, and
    /// how it was to be aligned; and which one is given back, before freed() and before anyone else
    /// can have it, also if allocated() was not told of it. Null: need not be known.
    void (*placed)(const void* block, std::size_t size, std::uint32_t trace,
                   std::size_t alignment) = nullptr;
    void (*removed)(const void* block) = nullptr;
};

} // namespace tarn
