// SPDX-License-Identifier: MIT
#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/arena_resource.h>
#include <tarn/page_resource.h>

#include "src/base/units.h"
#include "tests/unit/resources/gap.h"
#include "tests/unit/resources/misuse_handler.h"
#include "tests/unit/resources/model.h"
#include "tests/unit/support/contents.h"
#include "tests/unit/support/threads.h"

namespace tarn {

RC_GTEST_PROP(PageResourceProperty, BlocksAreApartAndKeepTheirContents,
              (bool guard, bool huge, bool checked))
{
    PageResource pages({.guard = guard, .huge = huge, .checked = checked});
    test::run_against_model(pages, *test::any_steps(100'000), {.knows_its_blocks = checked});
    RC_ASSERT(pages.statistics().in_use == 0U);
    RC_ASSERT(pages.statistics().reserved == 0U);
}

TEST(PageResource, AlignsBeyondAPageAndGivesZeros)
{
    for (std::size_t alignment = 1; alignment <= MiB(4); alignment *= 2) {
        void* const block = page_resource()->allocate(5000, alignment);
        EXPECT_TRUE(test::is_aligned(block, alignment));
        EXPECT_TRUE(test::is_zero(block, 5000));
        test::fill(block, 5000, 1);
        page_resource()->deallocate(block, 5000, alignment);
    }
}

TEST(PageResource, ResizesByMovingPages)
{
    PageResource pages;
    void* block = pages.allocate(MiB(1));
    test::fill(block, MiB(1), 7);
    block = pages.try_reallocate(block, MiB(1), MiB(64));
    ASSERT_NE(block, nullptr);
    EXPECT_TRUE(test::holds(block, MiB(1), 7, MiB(1) / 2));
    block = pages.try_reallocate(block, MiB(64), 100);
    EXPECT_EQ(pages.statistics().reserved, PageResource::page_size());
    pages.deallocate(block, 100);
    EXPECT_EQ(pages.statistics().in_use, 0U);
}

TEST(PageResource, RefusesWhatCannotBe)
{
    PageResource pages;
    constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();
    EXPECT_EQ(pages.try_allocate(kMost), nullptr);
    EXPECT_EQ(pages.try_allocate(kMost / 4), nullptr);
    EXPECT_EQ(pages.try_allocate(1, std::size_t{1} << 60), nullptr);
    EXPECT_EQ(pages.statistics().failures, 3U);
    EXPECT_EQ(pages.statistics().reserved, 0U);
}

TEST(PageResourceDeathTest, GuardsTheEndOfABlock)
{
    PageResource pages({.guard = true});
    auto* const block = static_cast<volatile char*>(pages.allocate(5000, 8));
    block[4999] = 'x';
    EXPECT_DEATH(block[5000] = 'x', "");
    pages.deallocate(const_cast<char*>(block), 5000, 8);
}

TEST(PageResource, TellsKindsOfMisuseApart)
{
    const test::ThrowingMisuseHandler handler;
    PageResource pages({.checked = true});
    void* const block = pages.allocate(5000);
    EXPECT_EQ(handler.of([&] { pages.deallocate(block, 4000); }), Misuse::wrong_size);
    EXPECT_EQ(handler.of([&] { pages.deallocate(&pages, 4000); }), Misuse::not_owned);
    pages.deallocate(block, 5000);
    EXPECT_EQ(handler.of([&] { pages.deallocate(block, 5000); }), Misuse::not_owned);
}

// Within the page: nothing else could notice.
TEST(CheckedPageResourceDeathTest, FindsWritesBehindBlocks)
{
    EXPECT_DEATH(
        {
            PageResource pages({.checked = true});
            auto* const block = static_cast<volatile char*>(pages.allocate(5000));
            block[5000] = 'x';
            pages.deallocate(const_cast<char*>(block), 5000);
        },
        test::gap() != 0 ? "use-after-poison" : "write behind a block in resource 'pages'");
}

TEST(PageResource, ServesThreadsAtOnceAndArenas)
{
    PageResource pages;
    test::in_threads(4, [&](std::size_t) {
        for (int i = 0; i < 50; ++i) {
            ArenaResource arena(ArenaOptions::frame(), &pages);
            for (int block = 0; block < 100; ++block)
                *static_cast<int*>(arena.allocate(1000)) = block;
        }
    });
    EXPECT_EQ(pages.statistics().reserved, 0U);
    EXPECT_EQ(pages.statistics().allocations, pages.statistics().deallocations);
}

} // namespace tarn
