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
#include <unordered_set>
#include <vector>

#include <tarn/call_stack.h>
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
        const CallStack* allocated; // by these calls, if they are kept
    };

    /// Keeps at most `quarantine` bytes of blocks that were given back; no more than `limit` bytes
    /// are in use. `stack_depth`: so many calls are kept of each allocation and free.
    /// `keeps_records`: those of blocks that upstream has again stay.
    WatchedBlocks(const char* name, std::pmr::memory_resource* upstream, std::size_t quarantine,
                  std::size_t limit = SIZE_MAX, std::size_t stack_depth = 0,
                  bool keeps_records = false)
        : upstream_(upstream), quarantine_(quarantine), limit_(limit), stack_depth_(stack_depth),
          keeps_records_(keeps_records), ledger_(name)
    {}
    WatchedBlocks(const WatchedBlocks&) = delete;
    WatchedBlocks& operator=(const WatchedBlocks&) = delete;
    ~WatchedBlocks();

    /// `from`: see CallStack::here(). Errors: nullptr.
    void* try_allocate(std::size_t bytes, std::size_t alignment,
                       const void* from = nullptr) noexcept;
    /// Returns false after a report.
    bool deallocate(void* block, std::size_t bytes, std::size_t alignment,
                    const void* from = nullptr);
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
    struct StackHash {
        std::size_t operator()(const CallStack& stack) const noexcept;
    };

    void give_back(const Block& block);
    const CallStack* keep(const CallStack& stack) noexcept;

    Upstream upstream_;
    std::size_t quarantine_;
    std::size_t limit_;
    std::size_t stack_depth_;
    bool keeps_records_;
    mutable std::mutex mutex_; // guards all below
    BlockLedger ledger_;
    std::map<std::uintptr_t, Block> live_;
    std::deque<Block> freed_;                         // the oldest first
    std::unordered_set<CallStack, StackHash> stacks_; // each once; they stay until the end
    std::size_t freed_bytes_ = 0;
    ResourceStatistics statistics_;
};

} // namespace tarn::detail
