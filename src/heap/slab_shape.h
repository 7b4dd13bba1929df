// SPDX-License-Identifier: MIT
//
// The shape of a slab of each size class: how many granules it takes, how many blocks it holds.
//
// Small slabs empty sooner and so give memory back sooner; large ones are refilled less often.
// Blocks above 32 KiB have a run of granules each, which is a slab of one block.

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "src/base/units.h"
#include "src/heap/size_class.h"
#include "src/os/memory.h"

namespace tarn {

/// The unit in which address space is handed out and described.
inline constexpr int kGranuleShift = 14;
inline constexpr std::size_t kGranule = std::size_t{1} << kGranuleShift;

/// From here on a slab holds one block.
inline constexpr std::size_t kMaxSharedSlabBlock = KiB(32);

struct SlabShape {
    std::uint32_t block_size; // bytes
    std::uint32_t reciprocal; // ceil(2^32 / block_size), see block_index()
    std::uint16_t capacity;   // blocks
    std::uint8_t granules;
    std::uint8_t remote_batch; // most blocks that another thread frees before it says so

    constexpr bool is_single_block() const { return capacity == 1; }
    /// Bytes of the slab that blocks can touch, in whole pages: what it counts in the budget.
    constexpr std::size_t span() const
    {
        return round_up(std::size_t{capacity} * block_size, os::kPageSize);
    }
};

namespace detail {

/// With twice as many granules from 256 bytes to 2 KiB, drifting sizes took 1.52 times the live
/// memory instead of 1.43; with half as many from 512 bytes on 1.41, but blocks of mixed sizes that
/// another thread frees took 18 % longer, because they lie in more slabs (measured 2026-11-21).
constexpr std::size_t slab_granules(std::size_t size)
{
    if (size <= 512) return 1;
    if (size <= KiB(2)) return 2;
    if (size <= KiB(8)) return 4;
    if (size <= kMaxSharedSlabBlock) return 8;
    return divide_up(size, kGranule);
}

/// One atomic operation for up to 64 blocks, but no more than a page of another thread's memory
/// held back for it.
constexpr std::size_t remote_batch(std::size_t size)
{
    return std::clamp(KiB(4) / size, std::size_t{1}, std::size_t{64});
}

} // namespace detail

inline constexpr auto kSlabShapes = [] {
    std::array<SlabShape, kSizeClassCount> shapes{};
    for (std::size_t index = 0; index < kSizeClassCount; ++index) {
        const std::size_t size = block_size(static_cast<SizeClass>(index));
        const std::size_t granules = detail::slab_granules(size);
        shapes[index] = {.block_size = static_cast<std::uint32_t>(size),
                         .reciprocal =
                             static_cast<std::uint32_t>(divide_up(std::size_t{1} << 32, size)),
                         .capacity = static_cast<std::uint16_t>(granules * kGranule / size),
                         .granules = static_cast<std::uint8_t>(granules),
                         .remote_batch = static_cast<std::uint8_t>(detail::remote_batch(size))};
    }
    return shapes;
}();

constexpr const SlabShape& shape_of(SizeClass size_class)
{
    return kSlabShapes[index_of(size_class)];
}

/// Which block of its slab the byte at `offset` belongs to; a multiplication instead of a
/// division. Exact because offset < 2^17: the rounding of the reciprocal adds less than
/// offset / 2^32 < 1 / block_size for slabs of several blocks.
/// Source: Granlund and Montgomery, "Division by Invariant Integers using Multiplication" (1994).
constexpr std::size_t block_index(const SlabShape& shape, std::size_t offset)
{
    return (offset * shape.reciprocal) >> 32;
}

static_assert(std::ranges::all_of(kSlabShapes,
                                  [](const SlabShape& shape) {
                                      return shape.capacity == 1 || is_power_of_two(shape.granules);
                                  }),
              "slabs of several blocks are found by masking the granule number");

static_assert(std::ranges::all_of(kSlabShapes,
                                  [](const SlabShape& shape) {
                                      return shape.capacity == 1 ||
                                             shape.granules * kGranule <= (std::size_t{1} << 17);
                                  }),
              "see block_index()");

} // namespace tarn
