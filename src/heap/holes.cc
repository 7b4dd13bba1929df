// SPDX-License-Identifier: MIT

#include "src/heap/holes.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "src/base/assert.h"
#include "src/heap/page_heap.h"
#include "src/heap/remote_free.h"

namespace tarn {

namespace {

/// One bit per page of a slab.
using PageSet = std::uint32_t;

static_assert(std::ranges::all_of(kSlabShapes,
                                  [](const SlabShape& shape) {
                                      return shape.capacity == 1 ||
                                             shape.granules * kGranule <= 32 * os::kPageSize;
                                  }),
              "a slab's pages fit a PageSet");

constexpr std::size_t kMostBlocks = std::ranges::max(kSlabShapes, {}, [](const SlabShape& shape) {
                                        return shape.capacity;
                                    }).capacity;

/// Pages `first` .. `last`.
constexpr PageSet pages_between(std::size_t first, std::size_t last)
{
    return (~PageSet{0} >> (31 - (last - first))) << first;
}

/// The pages that block `index` touches.
PageSet pages_of(const SlabShape& shape, std::size_t index)
{
    const std::size_t start = index * shape.block_size;
    return pages_between(start / os::kPageSize, (start + shape.block_size - 1) / os::kPageSize);
}

std::size_t index_in(const Slab& slab, const SlabShape& shape, const FreeBlock* block)
{
    const auto offset = static_cast<std::size_t>(reinterpret_cast<const std::byte*>(block) -
                                                 address_range.slab_start(slab));
    return block_index(shape, offset);
}

/// The pages on which no block is in use, or will be before the slab is carved anew, and that are
/// no holes yet.
PageSet find_unused_pages(const Slab& slab, const SlabShape& shape)
{
    const std::size_t end = std::size_t{slab.carved} * shape.block_size;
    const std::size_t whole_pages =
        (slab.carved == slab.capacity ? end + os::kPageSize - 1 : end) / os::kPageSize;
    if (whole_pages == 0) return 0;
    std::array<std::uint64_t, (kMostBlocks + 63) / 64> is_free{};
    for (const FreeBlock* block = slab.free; block != nullptr; block = block->next) {
        const std::size_t index = index_in(slab, shape, block);
        is_free[index / 64] |= std::uint64_t{1} << (index % 64);
    }
    PageSet used = 0;
    for (std::size_t index = 0; index < slab.carved; ++index) {
        if ((is_free[index / 64] >> (index % 64) & 1) != 0) continue;
        const PageSet pages = pages_of(shape, index);
        if ((pages & slab.holes) == 0) used |= pages; // otherwise absent
    }
    return pages_between(0, whole_pages - 1) & ~used & ~slab.holes;
}

} // namespace

std::size_t punch_holes(Slab& slab)
{
    const SlabShape& shape = shape_of(slab.size_class);
    slab.free_at_punch = slab.free_count;
    if (slab.capacity == 1 || std::size_t{slab.free_count} * shape.block_size < os::kPageSize)
        return 0;
    const PageSet pages = find_unused_pages(slab, shape);
    if (pages == 0 || !page_heap.allow_holes(slab.granule)) return 0;

    // First off the list, as long as the links can be read.
    FreeBlock** link = &slab.free;
    std::size_t kept = 0;
    while (FreeBlock* const block = *link) {
        if ((pages_of(shape, index_in(slab, shape, block)) & pages) != 0) {
            *link = block->next;
        } else {
            link = &block->next;
            ++kept;
        }
    }
    slab.absent = static_cast<std::uint16_t>(slab.absent + slab.free_count - kept);
    slab.free_count = static_cast<std::uint16_t>(kept);
    slab.free_at_punch = slab.free_count;
    slab.holes |= pages;
    for (PageSet rest = pages; rest != 0;) {
        const int first = std::countr_zero(rest);
        const int length = std::countr_one(rest >> first);
        os::purge(address_range.slab_start(slab) + static_cast<std::size_t>(first) * os::kPageSize,
                  static_cast<std::size_t>(length) * os::kPageSize);
        rest &= ~pages_between(static_cast<std::size_t>(first),
                               static_cast<std::size_t>(first + length - 1));
    }
    const std::size_t bytes = static_cast<std::size_t>(std::popcount(pages)) * os::kPageSize;
    page_heap.count_purged(bytes);
    return bytes;
}

std::size_t fill_hole(Slab& slab, FreeBlock*& list)
{
    const SlabShape& shape = shape_of(slab.size_class);
    FreeBlock** link = &list;
    std::size_t count = 0;
    while (count == 0) {
        TARN_ASSERT(slab.holes != 0);
        const auto page = static_cast<std::size_t>(std::countr_zero(slab.holes));
        slab.holes &= slab.holes - 1;
        const std::size_t last = ((page + 1) * os::kPageSize - 1) / shape.block_size;
        for (std::size_t index = page * os::kPageSize / shape.block_size;
             index <= last && index < slab.carved; ++index) {
            if ((pages_of(shape, index) & slab.holes) != 0) continue;
            *link = block_at(slab, index);
            link = &(*link)->next;
            ++count;
        }
    }
    *link = nullptr;
    slab.absent = static_cast<std::uint16_t>(slab.absent - count);
    return count;
}

bool is_absent(const Slab& slab, const FreeBlock* block)
{
    const SlabShape& shape = shape_of(slab.size_class);
    return slab.holes != 0 && (pages_of(shape, index_in(slab, shape, block)) & slab.holes) != 0;
}

std::size_t count_absent(const Slab& slab)
{
    const SlabShape& shape = shape_of(slab.size_class);
    if (slab.holes == 0) return 0;
    std::size_t count = 0;
    for (std::size_t index = 0; index < slab.carved; ++index)
        count += (pages_of(shape, index) & slab.holes) != 0 ? 1U : 0U;
    return count;
}

} // namespace tarn
