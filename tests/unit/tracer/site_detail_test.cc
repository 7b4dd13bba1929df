// SPDX-License-Identifier: MIT

#include "tracer/site_detail.h"

#include <set>
#include <utility>

#include <gtest/gtest.h>

#include "src/base/units.h"
#include "tests/unit/support/threads.h"

namespace tarn {

namespace {

TEST(SizeBuckets, HoldSizesByDoublings)
{
    using namespace size_buckets;
    for (const auto& [size, bucket] :
         std::initializer_list<std::pair<std::uint64_t, std::size_t>>{{0, 0},
                                                                      {1, 0},
                                                                      {16, 0},
                                                                      {17, 1},
                                                                      {32, 1},
                                                                      {33, 2},
                                                                      {KiB(128), 13},
                                                                      {KiB(128) + 1, 14},
                                                                      {MiB(1), 14},
                                                                      {~std::uint64_t{0}, 14}})
        EXPECT_EQ(bucket_of(size), bucket) << size;
    for (std::size_t bucket = 0; bucket + 1 < kCount; ++bucket) {
        EXPECT_EQ(bucket_of(smallest_in(bucket)), bucket);
        EXPECT_EQ(bucket_of(largest_in(bucket)), bucket);
        EXPECT_EQ(largest_in(bucket) + 1, smallest_in(bucket + 1));
    }
}

TEST(AgeBuckets, HoldAgesByFours)
{
    using namespace age_buckets;
    EXPECT_EQ(bucket_of(0), 0U);
    for (std::size_t bucket = 0; bucket + 1 < kCount; ++bucket) {
        EXPECT_EQ(bucket_of(end_of(bucket) - 1), bucket);
        EXPECT_EQ(bucket_of(end_of(bucket)), bucket + 1);
    }
    EXPECT_EQ(bucket_of(~std::uint64_t{0}), kCount - 1);
}

TEST(SizeBucketTest, KnowsASizeAsLongAsThereIsOne)
{
    SizeBucket bucket;
    EXPECT_FALSE(bucket.is_uniform());
    for (int i = 0; i < 3; ++i)
        bucket.add(0, true);
    EXPECT_TRUE(bucket.is_uniform());
    EXPECT_EQ(bucket.size(), 0U);
    bucket.add(16, true);
    EXPECT_FALSE(bucket.is_uniform());
    bucket.add(16, true);
    EXPECT_FALSE(bucket.is_uniform());
    EXPECT_EQ(bucket.count(), 5U);
}

TEST(SizeBucketTest, DoesNotClaimToKnowSizesThatDoNotFit)
{
    SizeBucket bucket;
    for (const std::uint64_t size : {MiB(1), MiB(5), MiB(5)})
        bucket.add(size, true);
    EXPECT_FALSE(bucket.is_uniform());
    EXPECT_EQ(bucket.count(), 3U);
    SizeBucket other;
    other.add(KiB(1000), true);
    EXPECT_EQ(other.size(), KiB(1000));
}

TEST(SizeBucketTest, CountsWhatAllThreadsAdd)
{
    SizeBucket uniform;
    SizeBucket mixed;
    test::in_threads(4, [&](std::size_t number) {
        for (int i = 0; i < 10000; ++i) {
            uniform.add(40, false);
            mixed.add(33 + number, false);
        }
    });
    EXPECT_EQ(uniform.count(), 40000U);
    EXPECT_TRUE(uniform.is_uniform());
    EXPECT_EQ(uniform.size(), 40U);
    EXPECT_EQ(mixed.count(), 40000U);
    EXPECT_FALSE(mixed.is_uniform());
}

TEST(SiteFirstTest, IsThatOfOneThread)
{
    SiteFirst first;
    EXPECT_FALSE(first.is_known());
    std::atomic<int> same{0};
    test::in_threads(4, [&](std::size_t number) { same += first.is(number) ? 1 : 0; });
    EXPECT_EQ(same, 1);
    ASSERT_TRUE(first.is_known());
    EXPECT_TRUE(first.is(first.get()));
    EXPECT_LT(first.get(), 4U);
}

TEST(SiteMaximumTest, IsTheLargestOfAllThreads)
{
    SiteMaximum most;
    test::in_threads(4, [&](std::size_t number) {
        for (std::uint64_t i = 0; i < 10000; ++i)
            most.raise(i * 4 + number);
    });
    EXPECT_EQ(most.get(), 39999U);
}

TEST(BirthTest, SaysByWhomAndForHowMany)
{
    const std::uint64_t first = Birth::of(0, 1, 5);
    EXPECT_EQ(Birth::weight(first), 1U);
    EXPECT_TRUE(Birth::is_by(first, 5));
    EXPECT_FALSE(Birth::is_by(first, 6));
    EXPECT_FALSE(Birth::is_by(first, 0)) << "a thread that has never allocated";
    EXPECT_EQ(Birth::weight(Birth::of(Birth::kTimedAtFirst - 1, 70, 5)), 1U);
    EXPECT_TRUE(Birth::is_by(Birth::of(1000, 2000, 77777), 77777));
}

TEST(BirthTest, TakesTheTimeOfOneInSixteen)
{
    for (const std::uint64_t step : {1, 2, 7, 8, 16, 21, 4096}) {
        std::uint64_t timed = 0;
        for (std::uint64_t i = 0; i < 16000; ++i)
            timed += Birth::weight(Birth::of(1000, i * step, 1));
        EXPECT_NEAR(static_cast<double>(timed), 16000, 2500) << "every " << step << "th";
    }
}

TEST(BirthTest, IsDifferentForEachBlockOfAThread)
{
    std::set<std::uint64_t> births;
    for (std::uint64_t i = 0; i < 1000; ++i) {
        const std::uint64_t start = os::ticks();
        EXPECT_TRUE(births.insert(Birth::of(i, i, 3)).second) << i;
        while (os::ticks() == start) {
        } // a traced malloc takes longer
    }
}

TEST(BirthTest, KnowsTheAge)
{
    const std::uint64_t before = os::ticks();
    const std::uint64_t birth = Birth::of(0, 1, 65535);
    const std::uint64_t after = os::ticks();
    EXPECT_GE(Birth::age(birth, after + 1000), 1000U);
    EXPECT_LE(Birth::age(birth, after + 1000), 1000 + after - before);
    EXPECT_EQ(Birth::age(birth, before - 5), 0U) << "of a clock that is behind";
    constexpr std::uint64_t kMonth = std::uint64_t{1} << 44U;
    EXPECT_GE(Birth::age(birth, before + kMonth), kMonth - (after - before));
}

TEST(SiteThreadsTest, AreAsManyAsThereWere)
{
    SiteThreads threads;
    for (const std::uint32_t thread : {1U, 2U, 2U, 64U, 65U}) // the last as the first
        threads.add(thread);
    EXPECT_EQ(std::popcount(threads.mask()), 3);
}

} // namespace

} // namespace tarn
