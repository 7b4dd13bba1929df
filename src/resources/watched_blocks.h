// SPDX-License-Identifier: MIT
//
// Blocks that come one by one from upstream, and are looked at: the checked mode of resources that
// keep blocks of several sizes.

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <vector>

#include <tarn/resource.h>

#include "src/resources/block_ledger.h"

namespace tarn::detail {

/// Blocks given back lie in quarantine for a while, where a use of them is found. Thread safety:
/// any thread at any time; the handler of misuse is called under the lock.
class WatchedBlocks {
public:
    struct Block {
        void* address;
        std::size_t bytes;
        std::size_t alignment;
    };

    /// Keeps at most `quarantine` bytes of blocks that were given back; no more than `limit` bytes
    /// are in use.
    WatchedBlocks(const char* name, std::pmr::memory_resource* upstream, std::size_t quarantine,
                  std::size_t limit = SIZE_MAX)
        : upstream_(upstream), quarantine_(quarantine), limit_(limit), ledger_(name)
    {}
    WatchedBlocks(const WatchedBlocks&) = delete;
    WatchedBlocks& operator=(const WatchedBlocks&) = delete;
    ~WatchedBlocks();

    /// Errors: nullptr.
    void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept;
    /// Returns false after a report.
    bool deallocate(void* block, std::size_t bytes, std::size_t alignment);
    bool owns(const void* address) const;

    /// Reports writes behind blocks and into free ones.
    void check() const;
    /// Reports each block that is in use.
    void check_leaks() const;
    /// Those that are in use, by address.
    std::vector<Block> live() const;
    /// Gives all blocks back to upstream, in use or not. Reports as check().
    void release();

    ResourceStatistics statistics() const;

private:
    void give_back(const Block& block);

    Upstream upstream_;
    std::size_t quarantine_;
    std::size_t limit_;
    mutable std::mutex mutex_; // guards all below
    BlockLedger ledger_;
    std::map<std::uintptr_t, Block> live_;
    std::deque<Block> freed_; // the oldest first
    std::size_t freed_bytes_ = 0;
    ResourceStatistics statistics_;
};

} // namespace tarn::detail
