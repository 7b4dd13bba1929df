// SPDX-License-Identifier: MIT
//
// What the threads of a ThreadCachedPool share.

#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <tarn/size_steps.h>
#include <tarn/thread_cached_pool.h>

#include "src/base/units.h"
#include "src/resources/watched_blocks.h"

namespace tarn {

/// A free block.
struct ThreadCachedPool::Block {
    Block* next;       // of the same list
    Block* next_batch; // of the first block of a batch that lies with the others
};

/// Free blocks of one size.
struct ThreadCachedPool::List {
    Block* first = nullptr;
    std::size_t count = 0;
};

/// What all threads share of one size.
struct ThreadCachedPool::Bin {
    struct Chunk {
        std::uintptr_t begin;
        std::size_t free; // blocks, as trim() has counted
    };

    Chunk& chunk_of(const Block* block) noexcept;
    Block* count(Block* block, Block* others) noexcept;
    /// Adds a list to the whole ones, or to the parts.
    static void push(Block*& lists, Block* first) noexcept
    {
        first->next_batch = std::exchange(lists, first);
    }

    // Relaxed: who asks for a block of its own was told of it, and of what was before.
    std::atomic<bool> has_had_chunks{false};
    mutable std::mutex mutex; // guards what follows
    Block* batches = nullptr; // whole ones
    Block* parts = nullptr;   // what threads left that have ended
    std::uintptr_t fresh = 0; // to be carved
    std::uintptr_t end = 0;
    std::vector<Chunk> chunks;
    std::size_t most_chunks = 0;
    std::uint64_t transfers = 0;
    std::uint64_t taken = 0; // blocks that threads have, less those they gave back
    std::uint64_t most_taken = 0;
};

struct ThreadCachedPool::Central {
    static constexpr std::size_t kSizes = detail::size_step_of(KiB(32)) + 1;

    Central(const Options& options, std::pmr::memory_resource* upstream);

    std::size_t batch_of(std::size_t step) const noexcept { return batches[step]; }
    bool is_kept(std::size_t bytes, std::size_t alignment) const noexcept
    {
        return bytes <= largest_kept && alignment <= largest_kept;
    }
    /// For an allocation. Errors: an empty list, counted.
    List take(std::size_t step) noexcept;
    /// A whole batch, or a part of one.
    void give(std::size_t step, List list) noexcept;
    /// For a thread without a cache.
    void* allocate(std::size_t step) noexcept;
    void deallocate(std::size_t step, void* block) noexcept;
    /// For what threads do not keep: large and checked blocks.
    void* allocate_apart(std::size_t bytes, std::size_t alignment) noexcept;
    void deallocate_apart(void* block, std::size_t bytes, std::size_t alignment);
    bool owns(const void* address) const noexcept;
    /// Gives the chunks of a size to upstream whose blocks are all here. Returns how many.
    std::size_t trim(std::size_t step);
    /// Gives everything to upstream. Nobody takes anything any more.
    void close();

    Options options;
    detail::Upstream upstream;
    std::unique_ptr<detail::WatchedBlocks> watched; // if checked
    std::uint32_t largest_kept = 0;                 // bytes; none if checked
    std::array<std::uint8_t, kSizes> batches{};     // blocks of one
    std::array<Bin, kSizes> bins;

    // Of large blocks, and of threads that have ended. Relaxed: sums that order nothing.
    std::atomic<std::uint64_t> allocations{0};
    std::atomic<std::uint64_t> deallocations{0};
    std::atomic<std::uint64_t> failures{0};
    std::atomic<std::size_t> in_use{0};
    std::atomic<std::size_t> large{0};
    std::atomic<std::size_t> most_large{0};

    std::mutex mutex; // guards what follows; taken before that of a bin
    std::vector<Cache*> caches;
    bool is_open = true;

private:
    List carve(Bin& bin, std::size_t step) noexcept;
    bool add_chunk(Bin& bin, std::size_t step) noexcept;
    bool is_empty(const Bin& bin, std::size_t step, const Bin::Chunk& chunk) const noexcept;
    static Block* gather(Bin& bin) noexcept;
    void scatter(Bin& bin, std::size_t step, Block* all) noexcept;
    void give_back(std::size_t step, const Bin::Chunk& chunk);
    std::size_t chunk_alignment(std::size_t step) const noexcept;
};

} // namespace tarn
