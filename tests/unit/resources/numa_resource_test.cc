// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/arena_resource.h>
#include <tarn/numa_resource.h>

#include "src/base/units.h"
#include "tests/unit/resources/model.h"
#include "tests/unit/support/contents.h"
#include "tests/unit/support/threads.h"

namespace tarn {

namespace {
constexpr NumaPlace kPlaces[] = {NumaPlace::local, NumaPlace::node, NumaPlace::interleave};
} // namespace

RC_GTEST_PROP(NumaProperty, BlocksAreApartAndKeepTheirContents, ())
{
    NumaResource memory(
        {.place = *rc::gen::elementOf(std::vector(std::begin(kPlaces), std::end(kPlaces)))});
    test::run_against_model(memory, *test::any_steps(50'000), {.knows_its_blocks = false});
}

TEST(Numa, HasAtLeastOneNode)
{
    EXPECT_GE(NumaResource::nodes(), 1U);
    EXPECT_LE(NumaResource::nodes(), 64U);
}

// Where mbind is not allowed, as in containers, all of them count.
TEST(Numa, GivesMemoryOfAnyNodeWhereItCannotChoose)
{
    NumaResource nowhere({.place = NumaPlace::node, .node = 1000});
    void* const block = nowhere.allocate(MiB(1));
    test::fill(block, MiB(1), 1);
    EXPECT_EQ(nowhere.unplaced(), 1U);
    nowhere.deallocate(block, MiB(1));
    EXPECT_EQ(nowhere.statistics().in_use, 0U);
}

TEST(Numa, ServesThreads)
{
    NumaResource memory({.place = NumaPlace::interleave});
    test::in_threads(4, [&](std::size_t number) {
        for (int round = 0; round < 50; ++round) {
            void* const block = memory.allocate(KiB(8));
            test::fill(block, KiB(8), number);
            EXPECT_TRUE(test::holds(block, KiB(8), number));
            memory.deallocate(block, KiB(8));
        }
    });
    EXPECT_EQ(memory.statistics().allocations, 200U);
    EXPECT_EQ(memory.statistics().in_use, 0U);
    EXPECT_LE(memory.unplaced(), 200U);
}

TEST(Numa, IsAnUpstreamForArenas)
{
    for (const NumaPlace place : kPlaces) {
        NumaResource memory({.place = place});
        ArenaResource arena(ArenaOptions::frame(), &memory);
        for (int block = 0; block < 1000; ++block)
            *static_cast<int*>(arena.allocate(1000)) = block;
        EXPECT_LE(memory.unplaced(), memory.statistics().allocations);
    }
}

} // namespace tarn
