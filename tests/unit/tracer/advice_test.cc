// SPDX-License-Identifier: MIT

#include "tracer/advice.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include <tarn/recommend.h>

#include "src/base/units.h"

namespace tarn {

namespace {

using Kind = Advice::Kind;

/// Blocks that nothing can be said of: many sizes, some stay, some go.
constexpr AdviceFigures kOrdinary{.allocations = 100000,
                                  .resizes = 10,
                                  .copied = KiB(10),
                                  .temporary = 30000,
                                  .freed_elsewhere = 1000,
                                  .peak_blocks = 50000,
                                  .live_blocks = 20000,
                                  .smallest = 10,
                                  .largest = 5000};

std::string printed;

std::string text_of(Kind kind, const AdviceFigures& figures = kOrdinary)
{
    printed.clear();
    {
        Printer out([](std::string_view text) { printed += text; });
        print_advice(out, kind, figures);
    }
    return printed;
}

std::string name_of(Kind kind)
{
    const std::string text = text_of(kind);
    return text.substr(0, text.find(':'));
}

// A program asks recommend() of the library of allocators what a trace would advise.
TEST(Advice, HasTheNamesThatTheLibraryRecommends)
{
    std::set<std::string> recommended;
    for (const detail::UseRule& rule : detail::kUseRules)
        recommended.insert(rule.recommendation.advice);
    recommended.erase("");
    const std::set<std::string> advised{name_of(Kind::reserve), name_of(Kind::buffer),
                                        name_of(Kind::arena), name_of(Kind::pool),
                                        name_of(Kind::handback)};
    EXPECT_EQ(recommended, advised);
}

TEST(Advice, SaysNothingOfWhatIsOrdinary)
{
    EXPECT_EQ(advise(kOrdinary).kind, Kind::none);
    EXPECT_EQ(advise({}).kind, Kind::none);
}

TEST(Advice, ReservesWhatGrowsByRealloc)
{
    AdviceFigures figures = kOrdinary;
    figures.allocations = 80;
    figures.peak_blocks = figures.live_blocks = figures.freed_elsewhere = 0;
    figures.resizes = 79;
    figures.copied = MiB(4);
    figures.temporary = 0;
    figures.largest = KiB(800);
    const Advice advice = advise(figures);
    EXPECT_EQ(advice.kind, Kind::reserve);
    EXPECT_EQ(advice.spared, 79 + MiB(4) / 256);
    figures.resizes = 30; // most of its blocks do not grow
    EXPECT_EQ(advise(figures).kind, Kind::none);
}

TEST(Advice, KeepsABufferForWhatIsFreedAtOnce)
{
    AdviceFigures figures = kOrdinary;
    figures.temporary = 95000;
    EXPECT_EQ(advise(figures).kind, Kind::buffer);
    EXPECT_EQ(advise(figures).spared, 190000U);
    figures.largest = KiB(17);
    EXPECT_EQ(advise(figures).kind, Kind::none) << "not on a stack";
    figures = kOrdinary;
    figures.temporary = 89999;
    EXPECT_EQ(advise(figures).kind, Kind::none) << "one in ten stays";
    figures.allocations = 400;
    figures.temporary = 400;
    figures.peak_blocks = figures.live_blocks = figures.freed_elsewhere = 0;
    EXPECT_EQ(advise(figures).kind, Kind::none) << "not worth it";
}

TEST(Advice, TakesAnArenaForWhatGoesTogether)
{
    AdviceFigures figures = kOrdinary;
    figures.peak_blocks = 95000;
    figures.live_blocks = 0;
    figures.temporary = 0;
    EXPECT_EQ(advise(figures).kind, Kind::arena);
    figures.live_blocks = 95000;
    EXPECT_EQ(advise(figures).kind, Kind::none) << "it stays: nothing is spared";
}

TEST(Advice, TakesAPoolForWhatIsAlike)
{
    AdviceFigures figures = kOrdinary;
    figures.smallest = 40;
    figures.largest = 50;
    figures.peak_blocks = 1000;
    figures.live_blocks = 0;
    EXPECT_EQ(advise(figures).kind, Kind::pool);
    figures.largest = 51;
    EXPECT_EQ(advise(figures).kind, Kind::none);
}

TEST(Advice, HandsBackWhatAnotherThreadFrees)
{
    AdviceFigures figures = kOrdinary;
    figures.freed_elsewhere = 60000;
    EXPECT_EQ(advise(figures).kind, Kind::handback);
}

TEST(Advice, PrefersWhatSparesMost)
{
    AdviceFigures figures = kOrdinary;
    figures.freed_elsewhere = 60000;
    figures.temporary = 95000;
    EXPECT_EQ(advise(figures).kind, Kind::buffer);
}

TEST(Advice, BeginsWithItsName)
{
    const std::pair<Kind, std::string> names[] = {{Kind::reserve, "reserve: 10 reallocs copied "},
                                                  {Kind::buffer, "buffer: 30000 blocks of at most"},
                                                  {Kind::arena, "arena: 100000 blocks"},
                                                  {Kind::pool, "pool: 100000 blocks"},
                                                  {Kind::handback, "handback: 1000 of 100000 "},
                                                  {Kind::none, ""}};
    for (const auto& [kind, beginning] : names) {
        const std::string text = text_of(kind);
        EXPECT_EQ(text.substr(0, beginning.size()), beginning);
        EXPECT_EQ(text.empty(), kind == Kind::none);
    }
}

TEST(Advice, SaysNothingOfASampleThatIsTooSmall)
{
    AdviceFigures figures = kOrdinary;
    figures.temporary = figures.allocations;
    figures.error = 20;
    EXPECT_EQ(advise(figures).kind, Kind::buffer);
    figures.error = 21;
    EXPECT_EQ(advise(figures).kind, Kind::none);
}

TEST(Advice, SaysHowSureItIsOfASample)
{
    AdviceFigures figures = kOrdinary;
    figures.temporary = 1234567;
    figures.largest = 40;
    figures.error = 8;
    EXPECT_EQ(text_of(Kind::buffer, figures),
              "buffer: about 1230000 blocks (give or take 8%) of at most 40 B lived less "
              "than 4 us; a buffer on the stack, or one that is kept, would do");
}

} // namespace

} // namespace tarn
