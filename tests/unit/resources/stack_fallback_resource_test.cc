// SPDX-License-Identifier: MIT
#include <memory_resource>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/stack_fallback_resource.h>

#include "tests/unit/resources/counted.h"
#include "tests/unit/resources/misuse_handler.h"
#include "tests/unit/resources/model.h"

namespace tarn {

using test::Counted;

RC_GTEST_PROP(StackFallbackProperty, BlocksAreApartAndGoBackToWhereTheyCameFrom, (bool checked))
{
    Counted upstream;
    StackFallbackResource<4096> resource({.checked = checked}, &upstream);
    test::run_against_model(resource, *test::any_steps(20'000), {.knows_its_blocks = false});
    RC_ASSERT(upstream.statistics().in_use == 0U);
    RC_ASSERT(resource.fallbacks() == upstream.statistics().allocations);
}

TEST(StackFallback, AsksUpstreamOnlyWhenItIsFull)
{
    Counted upstream;
    StackFallbackResource<1024> resource({}, &upstream);
    void* const small = resource.allocate(500);
    EXPECT_TRUE(resource.owns(small));
    void* const large = resource.allocate(600);
    EXPECT_FALSE(resource.owns(large));
    EXPECT_EQ(resource.hits(), 1U);
    EXPECT_EQ(resource.fallbacks(), 1U);
    EXPECT_EQ(resource.statistics().failures, 0U);
    resource.deallocate(large, 600);
    resource.deallocate(small, 500);
    EXPECT_EQ(resource.allocate(500), small) << "the last block comes back";
}

TEST(StackFallback, RefusesWhenUpstreamDoes)
{
    StackFallbackResource<64> resource({}, std::pmr::null_memory_resource());
    EXPECT_EQ(resource.try_allocate(100), nullptr);
    EXPECT_THROW(static_cast<void>(resource.allocate(100)), std::bad_alloc);
    EXPECT_EQ(resource.statistics().failures, 2U);
}

TEST(StackFallback, ServesContainers)
{
    Counted upstream;
    StackFallbackResource<4096> resource({}, &upstream);
    std::pmr::vector<int> numbers(&resource);
    for (int i = 0; i < 10'000; ++i)
        numbers.push_back(i);
    EXPECT_EQ(numbers[9999], 9999);
    EXPECT_GT(resource.hits(), 4U);
    EXPECT_GT(resource.fallbacks(), 1U);
}

TEST(StackFallback, ReportsMisuseOfItsOwnBlocks)
{
    const test::ThrowingMisuseHandler handler;
    StackFallbackResource<1024> resource({.checked = true});
    void* const block = resource.allocate(64);
    EXPECT_EQ(handler.of([&] { resource.deallocate(block, 63); }), Misuse::wrong_size);
    resource.deallocate(block, 64);
    EXPECT_EQ(handler.of([&] { resource.deallocate(block, 64); }), Misuse::double_free);
}

} // namespace tarn
