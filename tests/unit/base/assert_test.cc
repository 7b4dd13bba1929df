// SPDX-License-Identifier: MIT

#include "src/base/assert.h"

#include <gtest/gtest.h>

namespace {

TEST(AssertDeathTest, NamesConditionAndPlaceAndAborts)
{
    EXPECT_DEATH(tarn::detail::assertion_failed("a < b", "some/file.cc", 17),
                 "tarn: assertion failed: a < b at some/file.cc:17");
}

TEST(AssertDeathTest, IsCheckedInBuildsWithChecksOnly)
{
    const int one = 1;
    if constexpr (tarn::kChecks) {
        EXPECT_DEATH(TARN_ASSERT(one == 2), "tarn: assertion failed: one == 2 at .*assert_test.cc");
    } else {
        TARN_ASSERT(one == 2);
    }
    TARN_ASSERT(one == 1);
}

} // namespace
