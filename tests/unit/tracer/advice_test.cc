// SPDX-License-Identifier: MIT

#include "tracer/advice.h"

#include <string>
#include <utility>

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
    figures.largest = figures.smallest = KiB(8);
    EXPECT_EQ(advise(figures).kind, Kind::pool);
    figures.largest = figures.smallest = KiB(8) + 1;
    EXPECT_EQ(advise(figures).kind, Kind::none) << "no pool holds these";
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

std::string printed;

std::string text_of(Advice advice, const AdviceFigures& figures)
{
    printed.clear();
    {
        Printer out([](std::string_view text) { printed += text; });
        print_advice(out, advice, figures);
    }
    return printed;
}

TEST(Advice, BeginsWithItsName)
{
    const std::pair<Kind, std::string> names[] = {{Kind::reserve, "reserve: 10 reallocs copied "},
                                                  {Kind::buffer, "buffer: 30000 blocks of at most"},
                                                  {Kind::arena, "arena: 100000 blocks"},
                                                  {Kind::pool, "pool: 100000 blocks"},
                                                  {Kind::handback, "handback: 1000 of 100000 "},
                                                  {Kind::none, ""}};
    AdviceFigures alike = kOrdinary;
    alike.smallest = alike.largest;
    for (const auto& [kind, beginning] : names) {
        const std::string text = text_of({kind, 1000}, alike);
        EXPECT_EQ(text.substr(0, beginning.size()), beginning);
        EXPECT_EQ(text.empty(), kind == Kind::none);
    }
}

/// What recommend() would say, and nothing that it would not call so.
TEST(Advice, NamesTheTypeThatRecommendNames)
{
    using Threads = Use::Threads;
    const std::size_t small = 40;
    const std::size_t large = KiB(100);
    struct Row {
        Kind kind;
        std::size_t smallest, largest;
        std::uint64_t freed_elsewhere; // of 1000
        Use use;
    };
    const Row rows[] = {
        {Kind::reserve, small, large, 0, {.content = Use::Content::growing, .largest = large}},
        {Kind::reserve, 1, small, 0, {.content = Use::Content::growing, .largest = small}},
        {Kind::reserve, 1, small, 1, {.content = Use::Content::growing, .largest = small}},
        {Kind::buffer, 1, small, 1, {.lifetime = Use::Lifetime::scope, .largest = small}},
        {Kind::arena, 1, large, 0, {.frees = Use::Frees::together}},
        {Kind::arena, 1, large, 1, {.frees = Use::Frees::together, .threads = Threads::shared}},
        {Kind::pool, small, small, 0, {.content = Use::Content::one_type, .largest = small}},
        {Kind::pool, small, small + 10, 0, {.smallest = small, .largest = small + 10}},
        {Kind::pool, small, small, 1, {.threads = Threads::shared, .largest = small}},
        {Kind::handback, 1, small, 500, {.threads = Threads::handed_over, .largest = small}},
        {Kind::handback, 1, large, 500, {.threads = Threads::handed_over, .largest = large}},
    };
    for (const Row& row : rows) {
        const AdviceFigures figures{.allocations = 1000,
                                    .resizes = 0,
                                    .copied = 0,
                                    .temporary = 0,
                                    .freed_elsewhere = row.freed_elsewhere,
                                    .peak_blocks = 0,
                                    .live_blocks = 0,
                                    .smallest = row.smallest,
                                    .largest = row.largest};
        const Recommendation what = recommend(row.use);
        const std::string options = *what.options != '\0' ? std::string(" ") + what.options : "";
        const std::string end = std::string("; ") + what.type + options + " from " + what.header +
                                " saves about 12300 calls";
        const std::string text = text_of({row.kind, 12345}, figures);
        EXPECT_TRUE(text.ends_with(end)) << text << " instead of " << end;
        EXPECT_TRUE(text.starts_with(std::string(what.advice) + ": ")) << text << end;
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
    EXPECT_EQ(text_of({Kind::buffer, 2469134}, figures),
              "buffer: about 1230000 blocks (give or take 8%) of at most 40 B lived less "
              "than 4 us; a buffer on the stack, or one that is kept, would do; "
              "StackFallbackResource<N> from <tarn/stack_fallback_resource.h> saves about 2470000 "
              "calls");
}

} // namespace

} // namespace tarn
