// SPDX-License-Identifier: MIT
//
// Which pages have memory behind them: /proc/self/pagemap, read in order of address.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "src/base/heap_view.h"
#include "tracer/pagemap.h"

namespace tarn {

/// Pages in a row that have memory, of a range that begins with a page.
class PageSet {
public:
    static constexpr std::size_t kMost = 256; // 1 MiB, as much as a slab has at most

    void add(std::size_t page) { words_[page / 64] |= std::uint64_t{1} << (page % 64); }
    bool contains(std::size_t page) const { return (words_[page / 64] >> (page % 64) & 1) != 0; }

    /// Of the bytes from `start` up to, not including, `end`, how many have memory.
    std::size_t bytes_in(std::size_t start, std::size_t end) const;
    /// Of all.
    std::size_t bytes() const;

private:
    std::array<std::uint64_t, kMost / 64> words_{};
};

/// Which pages of ranges have memory. Thread safety and cost: see Pagemap.
class ResidentPages {
public:
    bool is_readable() const { return pagemap_.is_readable(); }

    /// Requires: `range` begins with a page and has at most PageSet::kMost.
    PageSet pages_in(MemoryRange range);
    /// Bytes with memory, in whole pages.
    std::size_t resident_in(MemoryRange range);

private:
    bool is_resident(std::uintptr_t page);

    Pagemap pagemap_;
};

} // namespace tarn
