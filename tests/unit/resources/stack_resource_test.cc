// SPDX-License-Identifier: MIT
#include <cstring>
#include <limits>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/stack_resource.h>

#include "src/base/units.h"
#include "tests/unit/resources/counted.h"
#include "tests/unit/resources/misuse_handler.h"
#include "tests/unit/resources/model.h"

namespace tarn {

using test::Counted;

RC_GTEST_PROP(StackProperty, BlocksAreApartAndKeepTheirContents, (bool checked))
{
    Counted upstream;
    StackResource stack({.capacity = KiB(256), .checked = checked}, &upstream);
    test::run_against_model(
        stack, *test::any_steps(20'000),
        {.reset = [&] { stack.reset(); }, .may_refuse = true, .is_stack = true});
    RC_ASSERT(stack.depth() == 0U);
    RC_ASSERT(stack.statistics().in_use == 0U);
}

RC_GTEST_PROP(StackProperty, BothEndsShareTheirMemory, (bool checked))
{
    Counted upstream;
    DoubleEndedStack stack({.capacity = KiB(64), .checked = checked}, &upstream);
    test::ResourceModel low(stack.low(), {.may_refuse = true, .is_stack = true});
    test::ResourceModel high(
        stack.high(),
        {.reset = [&] { stack.high().reset(); }, .may_refuse = true, .is_stack = true});
    for (const auto& step : *test::any_steps(20'000)) {
        (step.which % 2 == 0 ? low : high).apply(step);
        RC_ASSERT(stack.low().statistics().in_use + stack.high().statistics().in_use <= KiB(64));
    }
    low.finish();
    high.finish();
    RC_ASSERT(upstream.statistics().allocations <= 1U);
}

TEST(Stack, FindsBlocksThatAreGivenBackOutOfOrder)
{
    const test::ThrowingMisuseHandler handler;
    for (const bool checked : {false, true}) {
        DoubleEndedStack ends({.checked = checked});
        for (StackResource* const stack : {&ends.low(), &ends.high()}) {
            void* const first = stack->allocate(32);
            void* const second = stack->allocate(64);
            EXPECT_EQ(handler.of([&] { stack->deallocate(first, 32); }), Misuse::out_of_order);
            stack->deallocate(second, 64);
            EXPECT_EQ(handler.of([&] { stack->deallocate(second, 64); }),
                      checked ? Misuse::double_free : Misuse::not_owned);
            stack->deallocate(first, 32);
            EXPECT_EQ(stack->depth(), 0U);
        }
    }
}

TEST(Stack, LetsOneEndUseWhatTheOtherGaveBack)
{
    DoubleEndedStack ends({.capacity = 1024, .checked = true});
    for (int round = 0; round < 3; ++round) {
        void* const before = ends.low().allocate(600);
        ends.low().deallocate(before, 600);
        void* const above = ends.high().allocate(600);
        std::memset(above, 1, 600);
        ends.low().deallocate(ends.low().allocate(50), 50); // not a word of a write after free
        ends.high().deallocate(above, 600);
    }
}

TEST(Stack, FindsWrongSizesAndForeignBlocks)
{
    const test::ThrowingMisuseHandler handler;
    StackResource stack;
    void* const block = stack.allocate(32);
    EXPECT_EQ(handler.of([&] { stack.deallocate(block, 16); }), Misuse::wrong_size);
    EXPECT_EQ(handler.of([&] { stack.deallocate(&stack, 16); }), Misuse::not_owned);
    stack.deallocate(block, 32);
    DoubleEndedStack ends({.checked = true});
    void* const high = ends.high().allocate(32);
    EXPECT_EQ(handler.of([&] { ends.high().deallocate(high, 16); }), Misuse::wrong_size);
    EXPECT_EQ(handler.of([&] { ends.low().deallocate(high, 32); }), Misuse::not_owned);
}

TEST(Stack, ReleasesWhatWasAllocatedSinceAMark)
{
    StackResource stack;
    const auto empty = stack.mark();
    void* const first = stack.allocate(100);
    {
        const StackScope scope(stack);
        for (int i = 0; i < 10; ++i)
            static_cast<void>(stack.allocate(100));
        EXPECT_EQ(stack.depth(), 11U);
    }
    EXPECT_EQ(stack.depth(), 1U);
    stack.deallocate(first, 100);
    stack.release(empty);
    EXPECT_EQ(stack.statistics().in_use, 0U);
}

TEST(Stack, FindsMarksThatAreVoid)
{
    const test::ThrowingMisuseHandler handler;
    StackResource stack;
    StackResource other;
    void* const block = stack.allocate(100);
    const auto mark = stack.mark();
    EXPECT_EQ(handler.of([&] { other.release(mark); }), Misuse::not_owned);
    stack.deallocate(block, 100);
    EXPECT_EQ(handler.of([&] { stack.release(mark); }), Misuse::out_of_order);
}

TEST(Stack, TakesItsCapacityOnceAndRefusesMore)
{
    Counted upstream;
    StackResource stack({.capacity = 1024}, &upstream);
    EXPECT_EQ(stack.statistics().reserved, 0U);
    EXPECT_EQ(stack.try_allocate(2048), nullptr);
    EXPECT_NE(stack.try_allocate(900), nullptr);
    EXPECT_EQ(stack.try_allocate(200), nullptr);
    EXPECT_EQ(stack.try_allocate(std::numeric_limits<std::size_t>::max()), nullptr);
    EXPECT_EQ(stack.statistics().failures, 3U);
    EXPECT_EQ(upstream.statistics().allocations, 1U);
    StackResource none({.capacity = 0});
    EXPECT_EQ(none.try_allocate(1), nullptr);
}

} // namespace tarn
