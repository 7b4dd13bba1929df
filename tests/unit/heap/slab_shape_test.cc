// SPDX-License-Identifier: MIT

#include "src/heap/slab_shape.h"

#include <algorithm>
#include <bit>

#include <gtest/gtest.h>

namespace tarn {

namespace {

TEST(SlabShape, FindsTheBlockOfEveryByteOfASharedSlab)
{
    for (const SlabShape& shape : kSlabShapes) {
        if (shape.is_single_block()) continue;
        const std::size_t end = shape.granules * kGranule;
        std::size_t expected = 0;
        std::size_t next = shape.block_size;
        for (std::size_t offset = 0; offset < end; ++offset) {
            if (offset == next) {
                ++expected;
                next += shape.block_size;
            }
            ASSERT_EQ(block_index(shape, offset), expected)
                << "offset " << offset << " of blocks of " << shape.block_size;
        }
    }
}

TEST(SlabShape, FindsTheOnlyBlockOfARunByItsStart)
{
    for (const SlabShape& shape : kSlabShapes)
        EXPECT_EQ(block_index(shape, 0), 0U);
}

TEST(SlabShape, HoldsAsManyBlocksAsFit)
{
    for (std::size_t index = 0; index < kSizeClassCount; ++index) {
        const SlabShape& shape = shape_of(static_cast<SizeClass>(index));
        const std::size_t bytes = shape.granules * kGranule;
        EXPECT_EQ(shape.block_size, block_size(static_cast<SizeClass>(index)));
        EXPECT_GE(shape.capacity, 1U);
        EXPECT_LE(std::size_t{shape.capacity} * shape.block_size, bytes);
        EXPECT_GT((std::size_t{shape.capacity} + 1) * shape.block_size, bytes);
    }
}

TEST(SlabShape, LeavesLessThanAFifthOfASlabUnused)
{
    for (const SlabShape& shape : kSlabShapes) {
        const std::size_t bytes = shape.granules * kGranule;
        const std::size_t unused = bytes - std::size_t{shape.capacity} * shape.block_size;
        // A single block above 32 KiB ends anywhere in its last granule.
        if (shape.is_single_block()) {
            EXPECT_LT(unused, kGranule);
        } else {
            EXPECT_LT(unused * 5, bytes) << shape.block_size;
        }
    }
}

TEST(SlabShape, AlignsEveryBlockToTheLargestPowerOfTwoInItsSize)
{
    for (const SlabShape& shape : kSlabShapes) {
        const std::size_t power = std::size_t{1} << std::countr_zero(shape.block_size);
        const std::size_t alignment = std::min(power, kGranule);
        for (std::size_t i = 0; i < shape.capacity; ++i)
            ASSERT_EQ(i * shape.block_size % alignment, 0U);
    }
}

} // namespace

} // namespace tarn
