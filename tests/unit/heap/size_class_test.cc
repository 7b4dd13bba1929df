// SPDX-License-Identifier: MIT

#include "src/heap/size_class.h"

#include <gtest/gtest.h>

namespace tarn {

namespace {

// The static_asserts in size_class.h check the boundaries; these check every request.

TEST(SizeClass, GivesTheSmallestBlockThatHoldsTheRequest)
{
    for (std::size_t request = 0; request <= kMaxPooledSize; ++request) {
        const std::size_t index = index_of(size_class_for(request));
        ASSERT_LT(index, kSizeClassCount);
        ASSERT_GE(block_size(static_cast<SizeClass>(index)), request);
        if (index > 1) {
            ASSERT_LT(block_size(static_cast<SizeClass>(index - 1)), request);
        }
    }
}

TEST(SizeClass, LosesAtMostAnEighthToRoundingAbove128Bytes)
{
    for (std::size_t request = 129; request <= kMaxPooledSize; ++request) {
        const std::size_t size = block_size(size_class_for(request));
        ASSERT_LE((size - request) * 8, request) << request;
    }
}

TEST(SizeClass, GivesZeroBytesAClassOfItsOwn)
{
    EXPECT_EQ(index_of(size_class_for(0)), 0U);
    EXPECT_EQ(block_size(size_class_for(0)), kMinAlignment);
    EXPECT_EQ(index_of(size_class_for(1)), 1U);
    EXPECT_EQ(block_size(size_class_for(1)), kMinAlignment);
}

TEST(SizeClass, HasBlocksThatAreMultiplesOfTheMinimalAlignment)
{
    for (std::size_t index = 0; index < kSizeClassCount; ++index)
        EXPECT_EQ(block_size(static_cast<SizeClass>(index)) % kMinAlignment, 0U) << index;
}

TEST(SizeClass, HasAnExactClassForEachMultipleOfALargeAlignment)
{
    // What allocate_aligned() relies on: rounded up to its alignment, a size has a class whose
    // blocks are multiples of that alignment.
    for (std::size_t alignment = kMinAlignment; alignment <= KiB(16); alignment *= 2)
        for (std::size_t size = alignment; size <= kMaxPooledSize; size += alignment)
            ASSERT_EQ(block_size(size_class_for(size)) % alignment, 0U) << size;
}

TEST(SizeClassDeathTest, RefusesARequestBeyondThePools)
{
    if constexpr (kChecks) {
        EXPECT_DEATH(size_class_for(kMaxPooledSize + 1), "assertion failed");
    }
}

} // namespace

} // namespace tarn
