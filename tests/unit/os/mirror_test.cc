// SPDX-License-Identifier: MIT
#include "src/os/mirror.h"

#include <cstdint>

#include <gtest/gtest.h>

#include "src/os/memory.h"

namespace tarn::os {

TEST(Mirror, BothHalvesAreTheSameMemory)
{
    constexpr std::size_t kSize = 4 * kPageSize;
    auto* const memory = static_cast<volatile unsigned char*>(map_twice(kSize));
    ASSERT_NE(memory, nullptr);
    EXPECT_EQ(memory[0], 0);
    memory[kSize - 1] = 1;
    memory[kSize] = 2;
    EXPECT_EQ(memory[2 * kSize - 1], 1);
    EXPECT_EQ(memory[0], 2);
    unmap(const_cast<unsigned char*>(memory), 2 * kSize);
}

TEST(Mirror, ReturnsNullForMoreThanThereIs)
{
    EXPECT_EQ(map_twice(SIZE_MAX / 4 & ~(kPageSize - 1)), nullptr);
}

} // namespace tarn::os
