// SPDX-License-Identifier: MIT

#include "tracer/frames.h"

#include <algorithm>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/support/random.h"
#include "tests/unit/support/threads.h"
#include "tracer/arena.h"

namespace tarn {

namespace {

TEST(FrameHistogramTest, SmallFiguresAreExact)
{
    FrameHistogram figures;
    EXPECT_EQ(figures.percentile(50), 0U);
    for (std::uint64_t value = 1; value <= 10; ++value)
        figures.add(value);
    EXPECT_EQ(figures.count(), 10U);
    EXPECT_EQ(figures.sum(), 55U);
    EXPECT_EQ(figures.most(), 10U);
    EXPECT_EQ(figures.percentile(50), 5U);
    EXPECT_EQ(figures.percentile(99), 10U);
    EXPECT_EQ(figures.percentile(100), 10U);
}

TEST(FrameHistogramTest, LargeOnesAreWithinASixteenth)
{
    test::Random random(1);
    FrameHistogram figures;
    std::vector<std::uint64_t> all;
    for (int i = 0; i < 5000; ++i) {
        all.push_back(random.next() >> (random.next() % 64));
        figures.add(all.back() / 2);
        all.back() /= 2;
    }
    std::ranges::sort(all);
    for (const std::uint64_t percent : {1U, 10U, 50U, 90U, 99U}) {
        const std::uint64_t exact = all[all.size() * percent / 100 - 1];
        const std::uint64_t seen = figures.percentile(percent);
        EXPECT_LE(seen > exact ? seen - exact : exact - seen, exact / 16) << percent << " percent";
    }
    EXPECT_EQ(figures.most(), all.back());
}

class FramesTest : public testing::Test {
protected:
    static void SetUpTestSuite() { ASSERT_TRUE(arena.initialise()); }
};

TEST_F(FramesTest, LieBetweenTwoMarksOfAThread)
{
    static FrameTable table;
    const auto totals = std::make_unique<FrameTotals>();
    FrameStart start{};
    table.end(start, {.is_known = true, .ticks = 1000, .allocations = 5, .bytes = 500}, 1);
    table.copy(*totals);
    EXPECT_EQ(totals->count(), 0U) << "the first one only begins";
    table.end(start, {.is_known = true, .ticks = 1100, .allocations = 8, .bytes = 530}, 1);
    table.end(start, {.is_known = true, .ticks = 1150, .allocations = 8, .bytes = 530}, 1);
    table.copy(*totals);
    EXPECT_EQ(totals->count(), 2U);
    EXPECT_EQ(totals->threads, 1U);
    EXPECT_EQ(totals->ticks.sum(), 150U);
    EXPECT_EQ(totals->allocations.most(), 3U);
    EXPECT_EQ(totals->bytes.sum(), 30U);
    EXPECT_EQ(totals->longest[0].number, 1U);
    EXPECT_EQ(totals->longest[1].number, 2U);
    EXPECT_EQ(totals->busiest[0].allocations, 3U);
    EXPECT_EQ(totals->busiest[1].number, 0U) << "a frame without allocations is no bad one";
}

TEST_F(FramesTest, TheWorstAreKeptInOrder)
{
    const auto totals = std::make_unique<FrameTotals>();
    std::uint64_t number = 0;
    for (const std::uint64_t ticks : {5U, 70U, 10U, 90U, 60U, 80U, 1U})
        totals->add({.number = ++number,
                     .thread = 1,
                     .ticks = ticks,
                     .ended = 0,
                     .allocations = 0,
                     .bytes = 0});
    EXPECT_EQ(totals->longest[0].ticks, 90U);
    EXPECT_EQ(totals->longest[1].ticks, 80U);
    EXPECT_EQ(totals->longest[2].ticks, 70U);
    EXPECT_EQ(totals->longest[2].number, 2U);
}

TEST_F(FramesTest, OfAllThreadsAreCountedTogether)
{
    static FrameTable table;
    constexpr std::size_t kThreads = 4;
    constexpr std::uint64_t kFrames = 1000;
    test::in_threads(kThreads, [&](std::size_t thread) {
        FrameStart start{};
        for (std::uint64_t i = 0; i <= kFrames; ++i)
            table.end(start,
                      {.is_known = true, .ticks = 10 * i + 1, .allocations = i, .bytes = 2 * i},
                      static_cast<std::uint32_t>(thread));
    });
    const auto totals = std::make_unique<FrameTotals>();
    table.copy(*totals);
    EXPECT_EQ(totals->count(), kThreads * kFrames);
    EXPECT_EQ(totals->threads, kThreads);
    EXPECT_EQ(totals->ticks.sum(), 10 * kThreads * kFrames);
    EXPECT_EQ(totals->allocations.sum(), kThreads * kFrames);
    for (const Frame& frame : totals->window)
        EXPECT_GT(frame.number, kThreads * kFrames - FrameTotals::kWindow);
}

} // namespace

} // namespace tarn
