// SPDX-License-Identifier: MIT
#include <atomic>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/limit_resource.h>

#include "tests/unit/resources/counted.h"
#include "tests/unit/resources/model.h"
#include "tests/unit/support/threads.h"

namespace tarn {

using Kind = BudgetEvent::Kind;

RC_GTEST_PROP(LimitProperty, BlocksAreApartAndKeepTheirContents, ())
{
    test::Counted upstream;
    Budget budget({.hard = *test::any_size(1'000'000)});
    LimitResource limited(budget, &upstream);
    test::run_against_model(limited, *test::any_steps(),
                            {.may_refuse = true, .knows_its_blocks = false});
    RC_ASSERT(budget.in_use() == 0U);
    RC_ASSERT(budget.peak() == limited.statistics().peak_in_use);
}

TEST(Budget, RefusesBeforeAnythingIsAllocated)
{
    test::Counted upstream;
    Budget budget({.hard = 1000});
    LimitResource limited(budget, &upstream);
    void* const block = limited.allocate(1000);
    EXPECT_EQ(limited.try_allocate(1), nullptr);
    EXPECT_THROW(static_cast<void>(limited.allocate(64 << 10)), std::bad_alloc);
    EXPECT_EQ(upstream.sizes.size(), 1U);
    EXPECT_EQ(budget.refusals(), 2U);
    EXPECT_EQ(budget.left(), 0U);
    limited.deallocate(block, 1000);
    EXPECT_EQ(budget.left(), 1000U);
}

TEST(Budget, WhatUpstreamRefusesIsNotUsed)
{
    Budget budget({});
    LimitResource limited(budget);
    EXPECT_EQ(limited.try_allocate(SIZE_MAX / 2), nullptr);
    EXPECT_EQ(budget.in_use(), 0U);
}

TEST(Budget, TellsOnceWhenTheSoftLimitIsCrossed)
{
    std::vector<BudgetEvent> events;
    Budget budget(
        {.name = "textures", .soft = 100, .hard = 200, .on_event = [&](const auto& event) {
             events.push_back(event);
             return false;
         }});
    for (int round = 0; round < 2; ++round) {
        EXPECT_TRUE(budget.try_reserve(100));
        EXPECT_TRUE(budget.try_reserve(10));
        EXPECT_TRUE(budget.try_reserve(10));
        budget.release(10);
        budget.release(110);
    }
    ASSERT_EQ(events.size(), 4U);
    EXPECT_EQ(events[0].kind, Kind::soft_limit);
    EXPECT_EQ(events[0].in_use, 110U);
    EXPECT_EQ(events[0].limit, 100U);
    EXPECT_STREQ(events[0].budget, "textures");
    EXPECT_EQ(events[1].kind, Kind::below_soft);
    EXPECT_EQ(events[2].kind, Kind::soft_limit);
}

TEST(Budget, LimitsATreeOfTags)
{
    Budget all({.name = "all", .hard = 100});
    Budget render({.name = "render", .hard = 80}, &all);
    Budget audio({.name = "audio", .hard = 80}, &all);
    EXPECT_TRUE(render.try_reserve(60));
    EXPECT_FALSE(audio.try_reserve(60)) << "the parent has no more";
    EXPECT_EQ(audio.in_use(), 0U);
    EXPECT_TRUE(audio.try_reserve(40));
    EXPECT_FALSE(render.try_reserve(21));
    EXPECT_EQ(all.in_use(), 100U);
    render.release(60);
    audio.release(40);
    EXPECT_EQ(all.in_use(), 0U);
}

TEST(Budget, TriesOnceMoreWhenTheCallbackHasGivenMemoryBack)
{
    Budget budget(BudgetOptions{.hard = 100, .on_event = [&](const BudgetEvent& event) {
                                    if (event.kind != Kind::refused) return false;
                                    budget.release(100); // calls back into the budget
                                    return true;
                                }});
    EXPECT_TRUE(budget.try_reserve(100));
    EXPECT_TRUE(budget.try_reserve(90));
    EXPECT_EQ(budget.in_use(), 90U);
    EXPECT_EQ(budget.refusals(), 1U);
}

TEST(Budget, ThePresetWarnsAtNineTenths)
{
    const BudgetOptions options = BudgetOptions::of(1000);
    EXPECT_EQ(options.soft, 900U);
    EXPECT_EQ(options.hard, 1000U);
}

TEST(Budget, IsNeverExceededByThreads)
{
    Budget all({.hard = 700});
    std::atomic<std::uint64_t> refused{0};
    test::in_threads(4, [&](std::size_t) {
        Budget own({.hard = 300}, &all);
        LimitResource limited(own);
        for (int i = 0; i < 3000; ++i) {
            void* const block = limited.try_allocate(250);
            if (block == nullptr) {
                ++refused;
            } else {
                EXPECT_LE(all.in_use(), 700U);
                limited.deallocate(block, 250);
            }
        }
    });
    EXPECT_LE(all.peak(), 700U);
    EXPECT_EQ(all.in_use(), 0U);
    EXPECT_EQ(all.refusals(), refused);
}

} // namespace tarn
