// SPDX-License-Identifier: MIT
//
// Chunk: 2 MiB of the range, 128 granules, of which runs are cut.

#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "src/heap/address_range.h"

namespace tarn {

/// One bit per granule of a chunk.
class GranuleSet {
public:
    __extension__ using Bits = unsigned __int128;

    constexpr GranuleSet() = default;
    constexpr explicit GranuleSet(Bits bits) : bits_(bits) {}

    /// `count` granules from `first` on.
    static constexpr GranuleSet range(std::size_t first, std::size_t count)
    {
        const Bits ones = count >= kChunkGranules ? ~Bits{0} : (Bits{1} << count) - 1;
        return GranuleSet(ones << first);
    }
    static constexpr GranuleSet all() { return GranuleSet(~Bits{0}); }

    constexpr bool empty() const { return bits_ == 0; }
    constexpr std::size_t count() const
    {
        return static_cast<std::size_t>(std::popcount(low())) +
               static_cast<std::size_t>(std::popcount(high()));
    }
    /// Number of the first granule in the set. Requires: not empty.
    constexpr std::size_t first() const
    {
        return static_cast<std::size_t>(low() != 0 ? std::countr_zero(low())
                                                   : 64 + std::countr_zero(high()));
    }
    /// Number of the last granule in the set. Requires: not empty.
    constexpr std::size_t last() const
    {
        return static_cast<std::size_t>(high() != 0 ? 127 - std::countl_zero(high())
                                                    : 63 - std::countl_zero(low()));
    }
    /// Granules from `first` on without a gap. Requires: `first` is in the set.
    constexpr std::size_t run_length(std::size_t first) const
    {
        const GranuleSet gaps(~(bits_ >> first));
        return gaps.empty() ? kChunkGranules : gaps.first();
    }
    constexpr std::size_t longest_run() const
    {
        std::size_t longest = 0;
        for (GranuleSet rest = *this; !rest.empty();) {
            const std::size_t start = rest.first();
            const std::size_t length = rest.run_length(start);
            longest = longest < length ? length : longest;
            rest = rest - range(start, length);
        }
        return longest;
    }
    /// Granules in a row without a gap on both sides of `at` and with it. Requires: it is in the
    /// set.
    constexpr std::size_t run_around(std::size_t at) const
    {
        const GranuleSet gaps_below(~bits_ & ((Bits{1} << at) - 1));
        const std::size_t first = gaps_below.empty() ? 0 : gaps_below.last() + 1;
        return run_length(first);
    }
    /// The granules at which a run of `count` starts.
    constexpr GranuleSet run_starts(std::size_t count) const
    {
        Bits starts = bits_;
        // After each step a bit says that `done` granules from here on are in the set.
        for (std::size_t done = 1; done < count;) {
            const std::size_t step = done < count - done ? done : count - done;
            starts &= starts >> step;
            done += step;
        }
        return GranuleSet(starts);
    }

    friend constexpr GranuleSet operator|(GranuleSet a, GranuleSet b)
    {
        return GranuleSet(a.bits_ | b.bits_);
    }
    friend constexpr GranuleSet operator&(GranuleSet a, GranuleSet b)
    {
        return GranuleSet(a.bits_ & b.bits_);
    }
    friend constexpr GranuleSet operator-(GranuleSet a, GranuleSet b)
    {
        return GranuleSet(a.bits_ & ~b.bits_);
    }
    friend constexpr bool operator==(GranuleSet, GranuleSet) = default;

private:
    constexpr std::uint64_t low() const { return static_cast<std::uint64_t>(bits_); }
    constexpr std::uint64_t high() const { return static_cast<std::uint64_t>(bits_ >> 64); }

    Bits bits_ = 0;
};

struct alignas(64) Chunk {
    GranuleSet free;  // not part of any slab, and not being purged
    GranuleSet dirty; // may hold old contents, and so memory, while free
    Chunk* next;      // among the chunks with the same longest free run
    Chunk* previous;
    Chunk* next_dirty;      // queue of chunks with dirty free granules, oldest first
    std::uint32_t freed_at; // milliseconds, when a granule last became free
    std::uint8_t longest;   // free run; the list that this chunk is in, 0: in none
    bool queued;            // in the dirty queue
    bool huge;              // advised for transparent huge pages
    bool locked_huge;       // backed by reserved huge pages: cannot go back in parts
};

static_assert(sizeof(Chunk) == 64);
static_assert(kChunkGranules == 128, "one bit each in GranuleSet");

} // namespace tarn
