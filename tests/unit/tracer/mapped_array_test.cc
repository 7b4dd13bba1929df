// SPDX-License-Identifier: MIT

#include "tracer/mapped_array.h"

#include <gtest/gtest.h>

namespace tarn {

namespace {

TEST(MappedArray, KeepsItsElementsWhenItGrows)
{
    MappedArray<std::size_t> array;
    EXPECT_TRUE(array.empty());
    for (std::size_t i = 0; i < 100000; ++i)
        ASSERT_TRUE(array.push_back(i * 3));
    ASSERT_EQ(array.size(), 100000U);
    for (std::size_t i = 0; i < array.size(); ++i)
        ASSERT_EQ(array[i], i * 3);
    EXPECT_EQ(array.pop_back(), 99999U * 3);
    EXPECT_EQ(array.size(), 99999U);
}

TEST(MappedArray, IsZeroWhereItWasResized)
{
    MappedArray<int> array;
    ASSERT_TRUE(array.push_back(7));
    ASSERT_TRUE(array.resize(5000));
    EXPECT_EQ(array[0], 7);
    for (std::size_t i = 1; i < 5000; ++i)
        ASSERT_EQ(array[i], 0);
}

} // namespace

} // namespace tarn
