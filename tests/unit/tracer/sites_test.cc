// SPDX-License-Identifier: MIT

#include "tracer/sites.h"

#include <array>

#include <gtest/gtest.h>

#include "tests/unit/support/threads.h"
#include "tracer/arena.h"

namespace tarn {

namespace {

/// A stack that no other test has.
TraceId new_trace()
{
    static std::uint64_t last = 0x1000;
    return stack_trie.child(kNoTrace, {.address = ++last, .module = 1});
}

class SitesTest : public testing::Test {
protected:
    static void SetUpTestSuite() { ASSERT_TRUE(arena.initialise()); }
};

TEST_F(SitesTest, AreOneForEachStack)
{
    const TraceId trace = new_trace();
    const std::size_t before = site_table.size();
    Site* const site = site_table.find(trace);
    ASSERT_NE(site, nullptr);
    EXPECT_EQ(site->trace, trace);
    EXPECT_EQ(site->allocations.get(), 0U);
    EXPECT_EQ(site_table.find(trace), site);
    EXPECT_EQ(site_table.size(), before + 1);
    EXPECT_NE(site_table.find(new_trace()), site);
    EXPECT_EQ(&site_table.site(before + 1), site);
}

TEST_F(SitesTest, AreNotCreatedForNoStack)
{
    // Node 0 is there as soon as any is.
    new_trace();
    const std::size_t before = site_table.size();
    EXPECT_EQ(site_table.find(kNoTrace), nullptr);
    EXPECT_EQ(site_table.size(), before);
}

TEST_F(SitesTest, StayWhereTheyAreWhenThereAreMore)
{
    Site* const first = site_table.find(new_trace());
    for (int i = 0; i < 3000; ++i) {
        const TraceId trace = new_trace();
        Site* const site = site_table.find(trace);
        ASSERT_NE(site, nullptr);
        ASSERT_EQ(site->trace, trace);
        ASSERT_EQ(&site_table.site(site_table.size()), site);
    }
    EXPECT_EQ(site_table.find(first->trace), first);
}

TEST_F(SitesTest, CountWhatAllThreadsDo)
{
    std::array<TraceId, 500> traces;
    for (TraceId& trace : traces)
        trace = new_trace();
    const std::size_t before = site_table.size();
    test::in_threads(4, [&](std::size_t) {
        for (int round = 0; round < 100; ++round) {
            for (const TraceId trace : traces) {
                Site* const site = site_table.find(trace);
                site->allocations.add(1);
                site->bytes.add(10);
            }
        }
    });
    EXPECT_EQ(site_table.size(), before + traces.size());
    for (const TraceId trace : traces) {
        ASSERT_EQ(site_table.find(trace)->allocations.get(), 400U);
        ASSERT_EQ(site_table.find(trace)->bytes.get(), 4000U);
    }
}

TEST_F(SitesTest, KnowWhatIsInUse)
{
    Site& site = *site_table.find(new_trace());
    site.allocations.add(3);
    site.bytes.add(300);
    site.frees.add(1);
    site.freed_bytes.add(100);
    EXPECT_EQ(site.live_blocks(), 2U);
    EXPECT_EQ(site.live_bytes(), 200U);
    site.frees.add(5); // by a thread that is just in between
    EXPECT_EQ(site.live_blocks(), 0U);
}

TEST_F(SitesTest, TotalsKnowTheirPeak)
{
    LiveTotals totals;
    totals.allocated(1000);
    totals.allocated(100000);
    EXPECT_EQ(totals.peak_bytes(), 101000U);
    EXPECT_EQ(totals.peak_blocks(), 2U);
    totals.freed(100000);
    totals.allocated(50000);
    EXPECT_EQ(totals.peak_bytes(), 101000U) << "was more";
    EXPECT_EQ(totals.live_bytes(), 51000U);
    EXPECT_EQ(totals.live_blocks(), 2U);
    EXPECT_EQ(totals.blocks(), 3U);
    EXPECT_EQ(totals.bytes(), 151000U);
    EXPECT_EQ(totals.freed_blocks(), 1U);
    totals.allocated(1000000);
    EXPECT_EQ(totals.peak_bytes(), 1051000U);
    EXPECT_EQ(totals.peak_blocks(), 3U);
}

TEST_F(SitesTest, PeakIsWithinAHundredthOfTheHighest)
{
    LiveTotals totals;
    for (int i = 0; i < 100000; ++i)
        totals.allocated(100);
    EXPECT_LE(totals.peak_bytes(), 10000000U);
    EXPECT_GE(totals.peak_bytes(), 9900000U);
}

TEST_F(SitesTest, PeakIsNoMoreThanAllThreadsHaveAtOnce)
{
    LiveTotals totals;
    constexpr std::size_t kThreads = 4;
    test::in_threads(kThreads, [&](std::size_t) {
        for (int i = 0; i < 1000000; ++i) {
            totals.allocated(1000);
            totals.freed(1000);
        }
    });
    EXPECT_GE(totals.peak_bytes(), 1000U);
    EXPECT_LE(totals.peak_bytes(), 1000 * kThreads);
}

TEST_F(SitesTest, RememberWhatTheyHadAtThePeak)
{
    Site& site = *site_table.find(new_trace());
    LiveTotals totals;
    site.allocations.add(2);
    site.bytes.add(200000);
    totals.allocated(200000);
    EXPECT_EQ(site.detail().peak_blocks, 2U);
    EXPECT_EQ(site.detail().peak_bytes, 200000U);
    site.frees.add(2);
    site.freed_bytes.add(200000);
    totals.freed(200000);
    totals.allocated(10);
    EXPECT_EQ(site.detail().peak_bytes, 200000U) << "is not the peak";
}

} // namespace

} // namespace tarn
