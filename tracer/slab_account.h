// SPDX-License-Identifier: MIT
//
// What the memory of slabs is used for, added up slab by slab, and which places keep slabs that are
// mostly empty.
//
// A slab is sparse if at most a quarter of the blocks are in use that it has handed out. What it
// has not handed out yet has hardly memory behind it, and says nothing of fragmentation. The memory
// of a sparse slab beyond its blocks in use is shared evenly among these: were they elsewhere, it
// could go.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "src/base/heap_view.h"
#include "tracer/resident_pages.h"

namespace tarn {

/// Bytes that have memory, of the whole process, by what they are for.
struct MemoryShares {
    std::uint64_t used;     // in blocks in use, as far as the program asked for them
    std::uint64_t rounding; // in these beyond that
    std::uint64_t between;  // in slabs with blocks in use, but free
    std::uint64_t cached;   // in threads' caches
    std::uint64_t kept;     // free, to be used again
    std::uint64_t large;    // of the fallback, where it does not know which are in use
    std::uint64_t records;  // the allocator's
    std::uint64_t tables;   // the trace's
    std::uint64_t stacks;
    std::uint64_t files;
    std::uint64_t other;
    std::uint64_t untouched; // asked for, without memory: not a part of the sum

    std::uint64_t sum() const
    {
        return used + rounding + between + cached + kept + large + records + tables + stacks +
               files + other;
    }
};

/// Sparse slabs, all or those that a place keeps.
struct SparseSlabs {
    std::uint64_t slabs;
    std::uint64_t blocks; // in use
    std::uint64_t used;   // bytes that these asked for
    std::uint64_t empty;  // bytes
    std::uint64_t last;   // slab that was added last, counted from 1
};

class SlabAccount {
public:
    /// Which element of `places` a block's trace belongs to; what is beyond them is not counted.
    using PlaceOf = std::size_t (*)(std::uint32_t trace);

    SlabAccount(std::span<SparseSlabs> places, PlaceOf place_of)
        : places_(places), place_of_(place_of)
    {}

    /// `pages`: those of the slab that have memory.
    void add(const SlabView& slab, const PageSet& pages);

    MemoryShares& shares() { return shares_; }
    const MemoryShares& shares() const { return shares_; }
    const SparseSlabs& sparse() const { return sparse_; }

private:
    void add_sparse(const SlabView& slab, std::uint64_t live, std::uint64_t empty);

    std::span<SparseSlabs> places_;
    PlaceOf place_of_;
    MemoryShares shares_{};
    SparseSlabs sparse_{};
};

} // namespace tarn
