// SPDX-License-Identifier: MIT
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/arena_resource.h>
#include <tarn/counting_resource.h>

#include "tests/unit/resources/model.h"
#include "tests/unit/support/threads.h"

namespace tarn {

RC_GTEST_PROP(CountingProperty, BlocksAreApartAndKeepTheirContents, ())
{
    CountingResource counting;
    test::run_against_model(counting, *test::any_steps(), {.knows_its_blocks = false});
    RC_ASSERT(counting.in_use() == 0U);
}

TEST(Counting, KnowsWhatMallocDoesNot)
{
    CountingResource counting;
    std::pmr::vector<int> numbers(&counting);
    numbers.assign(1000, 7);
    EXPECT_EQ(counting.in_use(), 4000U);
    numbers.clear();
    numbers.shrink_to_fit();
    EXPECT_EQ(counting.in_use(), 0U);
    EXPECT_EQ(counting.statistics().peak_in_use, 4000U);
    EXPECT_EQ(counting.try_allocate(SIZE_MAX), nullptr);
    EXPECT_EQ(counting.statistics().failures, 1U);
}

TEST(Counting, OwnsWhatItsUpstreamOwns)
{
    ArenaResource arena;
    CountingResource counting(&arena);
    EXPECT_TRUE(counting.owns(counting.allocate(8)));
    EXPECT_FALSE(counting.owns(&arena));
    EXPECT_EQ(counting.upstream(), &arena);
}

TEST(Counting, TotalsAndPeakAreExactWithThreads)
{
    CountingResource counting;
    test::in_threads(4, [&](std::size_t) {
        for (int i = 0; i < 2000; ++i)
            counting.deallocate(counting.allocate(100), 100);
    });
    const ResourceStatistics statistics = counting.statistics();
    EXPECT_EQ(statistics.allocations, 8000U);
    EXPECT_EQ(statistics.deallocations, 8000U);
    EXPECT_EQ(statistics.in_use, 0U);
    EXPECT_GE(statistics.peak_in_use, 100U);
    EXPECT_LE(statistics.peak_in_use, 400U);
}

} // namespace tarn
