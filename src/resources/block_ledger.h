// SPDX-License-Identifier: MIT
//
// What the checked mode of a resource knows of its blocks, beside them: so every misuse of a block
// is told apart. Costs a node of a map for each block.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include <tarn/misuse.h>

#include "src/resources/sanitizer.h"

namespace tarn::detail {

/// Calls that did something to a block, null where they are not kept.
struct BlockHistory {
    const CallStack* allocated = nullptr;
    const CallStack* freed = nullptr;
};

/// Thread safety: one thread at a time.
class BlockLedger {
public:
    /// `resource` is its name, for reports.
    explicit BlockLedger(const char* resource) noexcept : resource_(resource) {}

    /// Enters a block that is handed out, with kRedzone bytes behind it that are the resource's;
    /// writes a canary there. The resource writes `front` bytes in front of it. Blocks that were
    /// there before and are free are forgotten, after a look at whether anybody wrote into them.
    /// Errors: false, without memory for the entry.
    bool add(void* block, std::size_t bytes, std::size_t alignment, std::size_t front = 0) noexcept;

    /// Takes a block back. Returns false after a report, when it was misuse.
    bool remove(void* block, std::size_t bytes, std::size_t alignment);

    /// Like remove(), without taking it back.
    bool verify(const void* block, std::size_t bytes, std::size_t alignment);

    /// Number of the next block: those entered since have this or a higher one.
    std::uint64_t next_number() const noexcept { return next_number_; }

    /// Takes back all blocks entered since; what was written behind them or into free ones is
    /// reported.
    void remove_since(std::uint64_t number);

    /// Notes a point to which remove_since() may go back; returns its name.
    std::uint64_t mark();

    /// Forgets the marks set after this one. Returns false after a report, if it is void itself.
    bool return_to(std::uint64_t mark);

    /// Forgets this mark, and those set after it.
    void unmark(std::uint64_t mark) noexcept;

    /// Forgets what lies in memory that is not the resource's any longer.
    void forget(const void* begin, std::size_t size) noexcept;
    /// The memory of a block is not the resource's any longer: it is known to have been given back
    /// until another one lies there, and not looked at.
    void retire(const void* block) noexcept;

    /// Looks at all canaries and at all free blocks.
    void check() const;
    /// Looks at those of one block, if it is known.
    void check(const void* block) const;

    /// Whether the address lies in a live block.
    bool has(const void* address) const noexcept;

    std::size_t live() const noexcept { return live_; }

    /// What reports of this block also tell; null if it is not known.
    BlockHistory* history_of(const void* block) noexcept;

    /// Reports misuse of an address of this resource.
    void report(Misuse kind, const void* address, std::size_t size = 0,
                std::size_t expected = 0) const;

private:
    struct Entry {
        std::size_t bytes;
        std::size_t alignment;
        std::uint64_t number;
        bool is_free;
        bool is_retired; // and free
        BlockHistory history;
    };
    using Entries = std::map<std::uintptr_t, Entry>;

    Entries::iterator first_in(std::uintptr_t address) noexcept;
    const Entry* entry_around(const void* address) const noexcept;
    Misuse kind_of_unknown(const void* address) const noexcept;
    void check(const Entries::value_type& entry) const;
    void take_back(Entries::value_type& entry);

    const char* resource_;
    Entries entries_; // by address; none overlap
    std::uint64_t next_number_ = 0;
    std::size_t live_ = 0;
    std::vector<std::uint64_t> marks_; // that are not void, ascending
    std::uint64_t last_mark_ = 0;
};

} // namespace tarn::detail
