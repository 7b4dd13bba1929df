// SPDX-License-Identifier: MIT

#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include "tracer/arena.h"
#include "tracer/sites.h"
#include "tracer/timeline_report.h"

namespace tarn {

namespace {

constexpr double kNanoseconds = 1000; // of a tick

/// A point after so many milliseconds, with so much in use and nothing freed.
TimelinePoint point(std::uint64_t milliseconds, std::uint64_t live)
{
    return {.ticks = 5000 + milliseconds * 1000,
            .bytes = live,
            .blocks = 1,
            .freed_bytes = 0,
            .freed_blocks = 0,
            .read_bytes = 0,
            .written_bytes = 0};
}

/// 800 points, one in a millisecond.
TimelineFigures figures_of(const std::function<std::uint64_t(std::uint64_t)>& live)
{
    std::vector<TimelinePoint> points;
    for (std::uint64_t i = 0; i <= 800; ++i)
        points.push_back(point(i, live(i)));
    return {points, kNanoseconds};
}

using Course = TimelineFigures::Course;

TEST(TimelineFiguresTest, GrowthIsSeen)
{
    const TimelineFigures figures = figures_of([](std::uint64_t i) { return 1000 * i; });
    EXPECT_EQ(figures.course(), Course::grew);
    EXPECT_NEAR(figures.seconds(), 0.8, 1e-9);
    EXPECT_EQ(figures.most(), 800'000U);
    EXPECT_NEAR(figures.slope(), 1e6, 1e4);
    EXPECT_NEAR(static_cast<double>(figures.eighth(kMiddleEighth)), 350'000, 1000);
    EXPECT_EQ(figures.last(), 7U);
    EXPECT_NEAR(figures.allocated().mean, 1e6, 1e4);
    EXPECT_NEAR(figures.allocated().highest, 1e6, 1e4);
    EXPECT_EQ(figures.freed().highest, 0);
}

TEST(TimelineFiguresTest, GrowthUntilAllIsFreedIsSeen)
{
    const TimelineFigures figures =
        figures_of([](std::uint64_t i) { return i < 790 ? 1000 * i : 0; });
    EXPECT_EQ(figures.last(), 7U) << "the last eighth as a whole is above the one before";
    EXPECT_EQ(figures.course(), Course::grew);
    const TimelineFigures early =
        figures_of([](std::uint64_t i) { return i < 720 ? 1000 * i : 0; });
    EXPECT_EQ(early.last(), 6U);
    EXPECT_EQ(early.course(), Course::grew);
}

TEST(TimelineFiguresTest, OtherCoursesAreToldApart)
{
    EXPECT_EQ(figures_of([](std::uint64_t i) { return i < 300 ? 1000 * i : 300'000; }).course(),
              Course::stayed);
    EXPECT_EQ(figures_of([](std::uint64_t i) { return 900'000 - 1000 * i; }).course(),
              Course::fell);
    EXPECT_EQ(figures_of([](std::uint64_t i) { return i < 650 ? 1000U : 300'000U; }).course(),
              Course::varied)
        << "all at once is no steady growth";
    EXPECT_EQ(figures_of([](std::uint64_t i) { return i / 150 % 2 * 300'000; }).course(),
              Course::varied);
    EXPECT_EQ(figures_of([](std::uint64_t) { return 0; }).course(), Course::stayed);
}

TEST(TimelineFiguresTest, LevelsAreTheMostOfEachPart)
{
    const TimelineFigures figures =
        figures_of([](std::uint64_t i) { return i == 400 ? 5000U : 1000U; });
    EXPECT_EQ(figures.level(0), 1000U);
    EXPECT_EQ(figures.level(31), 1000U);
    EXPECT_EQ(figures.level(32), 5000U);
    EXPECT_EQ(figures.level(33), 1000U);
}

TEST(TimelineFiguresTest, BetweenPointsAsMuchIsInUseAsBefore)
{
    const std::vector points{point(0, 0), point(1, 7000), point(800, 7000)};
    const TimelineFigures figures(points, kNanoseconds);
    for (std::size_t column = 0; column < TimelineFigures::kColumns; ++column)
        ASSERT_EQ(figures.level(column), 7000U) << "column " << column;
    EXPECT_EQ(figures.course(), Course::stayed);
}

TEST(TimelineFiguresTest, PointsThatLieTogetherHaveNoRateOfTheirOwn)
{
    std::vector<TimelinePoint> points{point(0, 0), point(400, 1000), point(400, 100'000),
                                      point(800, 100'000)};
    points[2].ticks += 1; // 99000 bytes in a microsecond
    const TimelineFigures figures(points, kNanoseconds);
    EXPECT_LT(figures.allocated().highest, 300'000);
    EXPECT_GT(figures.allocated().highest, 200'000);
}

TEST(TimelineTest, LooksAreDueEachSixtyFourBlocksOrForMuch)
{
    int looks = 0;
    for (std::uint64_t before = 0; before < 640; ++before)
        looks += Timeline::is_look_due(before, 1, 100) ? 1 : 0;
    EXPECT_EQ(looks, 10);
    EXPECT_TRUE(Timeline::is_look_due(5, 1, KiB(32)));
    EXPECT_TRUE(Timeline::is_look_due(5, 100, 1));
    EXPECT_FALSE(Timeline::is_look_due(5, 58, 1));
}

TEST(TimelineTest, KeepsTheWholeTimeInASeriesOfAFixedSize)
{
    ASSERT_TRUE(arena.initialise());
    static Timeline series;
    static Timeline::Copy points;
    ASSERT_EQ(series.copy(points), 0U);
    series.look();
    ASSERT_EQ(series.copy(points), 0U) << "not before it starts";
    series.start();
    const std::uint64_t start = os::ticks();
    // Three times as long as 512 points of the first step take.
    while (os::ticks() - start < 3 * 512 * (std::uint64_t{1} << 14U))
        series.look();
    const std::size_t size = series.copy(points);
    EXPECT_LE(size, points.size());
    EXPECT_GE(size, Timeline::kMostPoints / 4);
    EXPECT_LE(points[0].ticks, start);
    for (std::size_t i = 1; i < size; ++i)
        ASSERT_GE(points[i].ticks, points[i - 1].ticks) << "point " << i;
    EXPECT_GE(points[size - 1].ticks - start, 3 * 512 * (std::uint64_t{1} << 14U));
}

} // namespace

} // namespace tarn
