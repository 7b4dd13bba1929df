// SPDX-License-Identifier: MIT

#include "src/base/units.h"

#include <gtest/gtest.h>

namespace tarn {

namespace {

TEST(Units, RoundUpGivesTheNextMultiple)
{
    for (std::size_t step = 1; step <= 4096; step *= 2) {
        for (std::size_t n = 0; n < 3 * step; n += step / 8 + 1) {
            const std::size_t rounded = round_up(n, step);
            EXPECT_EQ(rounded % step, 0U);
            EXPECT_GE(rounded, n);
            EXPECT_LT(rounded - n, step);
        }
    }
}

TEST(Units, DivideUpIsTheSmallestSufficientQuotient)
{
    for (std::size_t n = 0; n < 100; ++n) {
        for (std::size_t step = 1; step < 20; ++step) {
            const std::size_t quotient = divide_up(n, step);
            EXPECT_GE(quotient * step, n);
            EXPECT_TRUE(quotient == 0 || (quotient - 1) * step < n);
        }
    }
}

TEST(Units, PowersOfTwoHaveOneBit)
{
    EXPECT_FALSE(is_power_of_two(0));
    for (std::size_t bit = 0; bit < 64; ++bit) {
        EXPECT_TRUE(is_power_of_two(std::size_t{1} << bit));
        EXPECT_EQ(is_power_of_two((std::size_t{1} << bit) + 1), bit == 0);
    }
    EXPECT_EQ(GiB(1), MiB(1024));
    EXPECT_EQ(MiB(1), KiB(1024));
    EXPECT_EQ(KiB(1), 1024U);
}

} // namespace

} // namespace tarn
