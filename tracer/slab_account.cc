// SPDX-License-Identifier: MIT

#include "tracer/slab_account.h"

namespace tarn {

namespace {

/// One in so many blocks at most is in use in a sparse slab.
constexpr std::uint64_t kSparse = 4;

} // namespace

void SlabAccount::add(const SlabView& slab, const PageSet& pages)
{
    using State = SlabBlock::State;
    std::uint64_t live = 0;
    std::uint64_t used = 0;
    std::uint64_t taken = 0; // by blocks in use, with rounding
    std::uint64_t cached = 0;
    std::size_t start = 0;
    for (const SlabBlock& block : slab.blocks) {
        const std::size_t end = start + slab.block_size;
        if (block.state == State::cached) cached += pages.bytes_in(start, end);
        if (block.state == State::live) {
            const std::uint64_t touched = pages.bytes_in(start, start + block.size);
            ++live;
            used += touched;
            taken += touched + pages.bytes_in(start + block.size, end);
            shares_.untouched += block.size - touched;
        }
        start = end;
    }
    const std::uint64_t resident = pages.bytes();
    shares_.used += used;
    shares_.rounding += taken - used;
    shares_.cached += cached;
    // A slab that nobody uses a block of waits to be used again as a whole.
    (live != 0 ? shares_.between : shares_.kept) += resident - taken - cached;
    if (live != 0 && live * kSparse <= slab.blocks.size()) add_sparse(slab, live, resident - taken);
}

void SlabAccount::add_sparse(const SlabView& slab, std::uint64_t live, std::uint64_t empty)
{
    ++sparse_.slabs;
    sparse_.blocks += live;
    sparse_.empty += empty;
    std::uint64_t shared = 0; // of all blocks so far
    std::uint64_t number = 0;
    for (const SlabBlock& block : slab.blocks) {
        if (block.state != SlabBlock::State::live) continue;
        const std::uint64_t share = ++number * empty / live - shared;
        shared += share;
        sparse_.used += block.size;
        const std::size_t place = place_of_(block.trace);
        if (place >= places_.size()) continue;
        SparseSlabs& own = places_[place];
        if (own.last != sparse_.slabs) ++own.slabs;
        own.last = sparse_.slabs;
        ++own.blocks;
        own.used += block.size;
        own.empty += share;
    }
}

} // namespace tarn
