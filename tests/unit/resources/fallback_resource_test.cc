// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/fallback_resource.h>
#include <tarn/fixed_pool_resource.h>
#include <tarn/slab_resource.h>

#include "tests/unit/resources/counted.h"
#include "tests/unit/resources/model.h"

namespace tarn {

using test::Counted;

RC_GTEST_PROP(FallbackProperty, BlocksAreApartAndKeepTheirContents, ())
{
    Counted upstream;
    FixedPoolResource pool({.blocks = 8, .when_exhausted = Exhaustion::fail});
    FallbackResource resource(pool, &upstream);
    test::run_against_model(resource, *test::any_steps(200), {.knows_its_blocks = false});
    RC_ASSERT(resource.statistics().in_use == 0U);
}

TEST(Fallback, GivesEachBlockBackToItsOwner)
{
    Counted upstream;
    FixedPoolResource pool({.blocks = 1, .when_exhausted = Exhaustion::fail});
    FallbackResource resource(pool, &upstream);
    void* const first = resource.allocate(64);
    void* const second = resource.allocate(64);
    EXPECT_TRUE(pool.owns(first));
    EXPECT_FALSE(pool.owns(second));
    EXPECT_TRUE(resource.owns(first));
    resource.deallocate(second, 64);
    resource.deallocate(first, 64);
    EXPECT_EQ(pool.available(), 1U);
    EXPECT_EQ(resource.statistics().allocations, 2U);
}

RC_GTEST_PROP(SegregatingProperty, BlocksAreApartAndKeepTheirContents, ())
{
    Counted upstream;
    SlabResource slabs;
    SegregatingResource resource(*rc::gen::inRange<std::size_t>(0, 5000), slabs, upstream);
    test::run_against_model(resource, *test::any_steps(20'000), {.knows_its_blocks = false});
}

TEST(Segregating, ChoosesBySize)
{
    Counted small;
    Counted large;
    SegregatingResource resource(100, small, large);
    void* const one = resource.allocate(100);
    void* const other = resource.allocate(101);
    EXPECT_EQ(small.sizes, (std::vector<std::size_t>{100}));
    EXPECT_EQ(large.sizes, (std::vector<std::size_t>{101}));
    resource.deallocate(one, 100);
    resource.deallocate(other, 101);
    EXPECT_EQ(resource.upstream(), &large);
}

} // namespace tarn
