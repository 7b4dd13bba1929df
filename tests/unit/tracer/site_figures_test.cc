// SPDX-License-Identifier: MIT

#include "tracer/site_figures.h"

#include <string>

#include <gtest/gtest.h>

#include "src/base/units.h"
#include "tests/unit/support/threads.h"
#include "tracer/arena.h"

namespace tarn {

namespace {

std::string printed;

void collect(std::string_view text)
{
    printed += text;
}

std::string text_of(const SiteFigures& figures)
{
    printed.clear();
    {
        Printer out(collect);
        figures.print(out, 10, SiteFigures::Resizes::shown);
    }
    return printed;
}

std::string time_of(double nanoseconds)
{
    printed.clear();
    {
        Printer out(collect);
        print_time(out, nanoseconds);
    }
    return printed;
}

Site& new_site()
{
    static std::uint64_t last = 0x1000;
    static const bool is_ready = arena.initialise();
    EXPECT_TRUE(is_ready);
    return *site_table.find(stack_trie.child(kNoTrace, {.address = ++last, .module = 1}));
}

void allocate(Site& site, std::uint64_t size, std::uint32_t thread = 1, bool is_alone = true)
{
    site.allocations.add(1, is_alone);
    site.bytes.add(size, is_alone);
    site.detail().allocated(size, thread, is_alone);
}

void release(Site& site, std::uint64_t age, std::uint64_t weight = 1)
{
    site.frees.add(1);
    site.detail().freed(age, weight);
}

SiteFigures figures_of(const Site& site)
{
    SiteFigures figures;
    figures.add(site);
    return figures;
}

TEST(SiteFiguresTest, HaveAllSizes)
{
    Site& site = new_site();
    for (int i = 0; i < 10; ++i)
        allocate(site, 48);
    EXPECT_EQ(text_of(figures_of(site)), "48 bytes each");
    allocate(site, 16);
    allocate(site, 4096);
    const SiteFigures figures = figures_of(site);
    EXPECT_EQ(figures.smallest(), 16U);
    EXPECT_EQ(figures.largest(), 4096U);
    EXPECT_EQ(figures.sizes(2).count, 10U);
    EXPECT_EQ(figures.sizes(0).size, 16U);
    EXPECT_EQ(text_of(figures), "16 to 4096 bytes, mostly 48");
    allocate(site, 40);
    EXPECT_EQ(text_of(figures_of(site)), "16 to 4096 bytes, mostly 33 to 64");
}

TEST(SiteFiguresTest, AreThoseOfAllSitesTogether)
{
    Site& one = new_site();
    Site& other = new_site();
    SiteFigures none;
    for (int i = 0; i < 3; ++i)
        allocate(one, 100);
    for (int i = 0; i < 2; ++i)
        allocate(other, 120, 2);
    none.add(one);
    none.add(other);
    EXPECT_EQ(none.allocations(), 5U);
    EXPECT_EQ(none.sizes(3).count, 5U);
    EXPECT_EQ(none.sizes(3).size, SiteFigures::kMixed);
    EXPECT_EQ(text_of(none), "100 to 120 bytes; by 2 threads");
}

TEST(SiteFiguresTest, HaveAllSizesOfAllThreads)
{
    Site& site = new_site();
    test::in_threads(4, [&](std::size_t number) {
        for (std::uint64_t i = 0; i < 10000; ++i)
            allocate(site, i % 100 + 1, static_cast<std::uint32_t>(number + 1), false);
    });
    const SiteFigures figures = figures_of(site);
    EXPECT_EQ(figures.smallest(), 1U);
    EXPECT_EQ(figures.largest(), 100U);
    EXPECT_EQ(figures.threads(), 4U);
    EXPECT_EQ(figures.sizes(0).count, 16U * 400);
    EXPECT_EQ(figures.sizes(1).count, 16U * 400);
    EXPECT_EQ(figures.sizes(2).count, 32U * 400);
    EXPECT_EQ(figures.sizes(3).count, 36U * 400);
}

TEST(SiteFiguresTest, SayHowLongBlocksLived)
{
    Site& site = new_site();
    allocate(site, 8);
    release(site, 20);
    EXPECT_EQ(text_of(figures_of(site)), "8 bytes; lived less than 1.3 us");
    release(site, 1000000);
    release(site, 100, 16);
    const SiteFigures figures = figures_of(site);
    EXPECT_EQ(figures.ages(0), 17U);
    EXPECT_EQ(figures.longest(), 1000000U);
    EXPECT_EQ(text_of(figures), "8 bytes; lived up to 10 ms, half of them less than 1.3 us");
    release(site, 900000, 100);
    EXPECT_EQ(text_of(figures_of(site)), "8 bytes; lived up to 10 ms");
}

TEST(SiteFiguresTest, SayWhatElseIsWorthKnowing)
{
    Site& site = new_site();
    for (std::uint32_t thread = 1; thread <= 64; ++thread)
        allocate(site, KiB(1), thread);
    for (int i = 0; i < 50; ++i)
        site.frees.add(1);
    site.freed_elsewhere.add(1);
    site.detail().resized(0);
    EXPECT_EQ(text_of(figures_of(site)), "1024 bytes each; by at least 64 threads");
    site.freed_elsewhere.add(24);
    for (int i = 0; i < 31; ++i)
        site.detail().resized(KiB(1));
    site.detail().peak_bytes = KiB(64);
    site.detail().peak_rounding = KiB(8);
    EXPECT_EQ(text_of(figures_of(site)),
              "1024 bytes each; by at least 64 threads; 50.0% freed by another thread; "
              "32 reallocs copied 31.0 KiB; at the peak 8.0 KiB more for rounding");
}

TEST(SiteFiguresTest, TimesHaveTwoDigits)
{
    EXPECT_EQ(time_of(0), "0 ns");
    EXPECT_EQ(time_of(26), "26 ns");
    EXPECT_EQ(time_of(3333), "3.3 us");
    EXPECT_EQ(time_of(13e3), "13 us");
    EXPECT_EQ(time_of(414.7e6), "410 ms");
    EXPECT_EQ(time_of(2e9), "2 s");
    EXPECT_EQ(time_of(150e9), "2.5 min");
    EXPECT_EQ(time_of(3.6e12 * 30), "30 h");
}

TEST(SiteFiguresTest, CountBlocksThatLivedForAShortTime)
{
    Site& site = new_site();
    for (int i = 0; i < 4; ++i)
        allocate(site, 48);
    release(site, 100, 5);
    release(site, 130, 7);
    release(site, 100000, 9);
    const SiteFigures figures = figures_of(site);
    EXPECT_EQ(figures.short_lived(127), 0U);
    EXPECT_EQ(figures.short_lived(128), 5U);
    EXPECT_EQ(figures.short_lived(512), 12U);
    EXPECT_EQ(figures.short_lived(1e18), 21U);
}

TEST(SiteFiguresTest, KnowHowSureASampleIs)
{
    Site& site = new_site();
    site.allocations.add(1000000);
    site.detail().allocated(100, 1, true, 1000000);
    // 100 MB in samples of 1 MB: a hundred of them, which tell the number to a tenth, once; twice.
    EXPECT_EQ(figures_of(site).error(1000000), 20U);
    EXPECT_EQ(figures_of(site).error(10000), 2U);
    // A few small blocks among large ones say little of how many there are.
    Site& mixed = new_site();
    mixed.allocations.add(1100);
    mixed.detail().allocated(1000000, 1, true, 100);
    mixed.detail().allocated(16, 1, true, 1000);
    EXPECT_GE(figures_of(mixed).error(1000000), 1000U);
    EXPECT_GE(SiteFigures().error(1), 1000U) << "nothing is known of nothing";
}

} // namespace

} // namespace tarn
