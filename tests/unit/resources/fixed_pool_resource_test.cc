// SPDX-License-Identifier: MIT
#include <list>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/fixed_pool_resource.h>
#include <tarn/object_pool.h>

#include "src/base/units.h"
#include "src/resources/sanitizer.h"
#include "tests/unit/resources/counted.h"
#include "tests/unit/resources/misuse_handler.h"
#include "tests/unit/resources/model.h"
#include "tests/unit/support/contents.h"

namespace tarn {

using test::Counted;

RC_GTEST_PROP(FixedPoolProperty, BlocksAreApartAndKeepTheirContents, (bool checked))
{
    Counted upstream;
    const auto exhaustion = *rc::gen::element(Exhaustion::fail, Exhaustion::grow);
    FixedPoolResource pool({.block_size = *rc::gen::inRange<std::size_t>(1, 300),
                            .alignment = std::size_t{1} << *rc::gen::inRange(0, 17),
                            .blocks = *rc::gen::inRange<std::size_t>(1, 20),
                            .when_exhausted = exhaustion,
                            .checked = checked},
                           &upstream);
    test::run_against_model(pool, *test::any_steps(400),
                            {.reset = [&] { pool.reset(); }, .may_refuse = true});
    RC_ASSERT(pool.statistics().in_use == 0U);
    RC_ASSERT(pool.fresh() + pool.reuses() == pool.statistics().allocations);
}

RC_GTEST_PROP(FixedPoolProperty, PassesOnWhatItCannotServe, (bool checked))
{
    Counted upstream;
    FixedPoolResource pool(
        {.block_size = 64, .blocks = 4, .when_exhausted = Exhaustion::upstream, .checked = checked},
        &upstream);
    test::run_against_model(pool, *test::any_steps(200), {.knows_its_blocks = false});
    RC_ASSERT(pool.statistics().in_use == 0U);
}

TEST(FixedPool, CarvesOnlyWhenNothingIsFree)
{
    Counted upstream;
    FixedPoolResource pool({.block_size = 48, .blocks = 100}, &upstream);
    EXPECT_TRUE(upstream.sizes.empty());
    void* const first = pool.allocate(48);
    void* const second = pool.allocate(48);
    pool.deallocate(first, 48);
    EXPECT_EQ(pool.allocate(48), first);
    EXPECT_EQ(pool.fresh(), 2U);
    EXPECT_EQ(pool.reuses(), 1U);
    EXPECT_NEAR(pool.hit_rate(), 1.0 / 3, 1e-9);
    EXPECT_EQ(pool.available(), 98U);
    EXPECT_GE(pool.statistics().peak_in_use, 96U);
    pool.deallocate(second, 48);
    pool.deallocate(first, 48);
    EXPECT_EQ(pool.statistics().in_use, 0U);
    EXPECT_EQ(pool.available(), 100U);
}

TEST(FixedPool, HitRateOfNothingIsNothing)
{
    const FixedPoolResource pool;
    EXPECT_EQ(pool.hit_rate(), 0.0);
}

TEST(FixedPool, FailsGrowsOrPassesOn)
{
    Counted upstream;
    const auto allocations = [&](Exhaustion exhaustion) {
        FixedPoolResource pool({.blocks = 2, .when_exhausted = exhaustion}, &upstream);
        std::vector<void*> blocks;
        while (blocks.size() < 5) {
            void* const block = pool.try_allocate(64);
            if (block == nullptr) break;
            blocks.push_back(block);
        }
        const std::size_t slabs = pool.capacity();
        for (void* const block : blocks)
            pool.deallocate(block, 64);
        EXPECT_EQ(pool.statistics().in_use, 0U);
        return std::pair(blocks.size(), slabs);
    };
    EXPECT_EQ(allocations(Exhaustion::fail), std::pair(2UL, 2UL));
    EXPECT_EQ(allocations(Exhaustion::grow), std::pair(5UL, 8UL));
    EXPECT_EQ(allocations(Exhaustion::upstream), std::pair(5UL, 2UL));
}

TEST(FixedPool, ThrowsWhenExhausted)
{
    FixedPoolResource pool(FixedPoolOptions::commands());
    for (int i = 0; i < 50; ++i)
        static_cast<void>(pool.allocate(2048));
    EXPECT_THROW(static_cast<void>(pool.allocate(2048)), std::bad_alloc);
    EXPECT_EQ(pool.statistics().failures, 1U);
    EXPECT_EQ(pool.available(), 0U);
}

TEST(FixedPool, RefusesWhatIsLargerOrStricter)
{
    FixedPoolResource pool({.block_size = 64});
    EXPECT_EQ(pool.try_allocate(65), nullptr);
    EXPECT_EQ(pool.try_allocate(8, 64), nullptr);
    EXPECT_EQ(pool.try_allocate(SIZE_MAX), nullptr);
    EXPECT_NE(pool.try_allocate(0), nullptr);
}

TEST(FixedPool, RefusesOptionsThatMakeNoSense)
{
    const auto make = [](const FixedPoolOptions& options) {
        const FixedPoolResource pool(options);
    };
    EXPECT_THROW(make({.block_size = 0}), std::invalid_argument);
    EXPECT_THROW(make({.blocks = 0}), std::invalid_argument);
    EXPECT_THROW(make({.alignment = 48}), std::invalid_argument);
    EXPECT_THROW(make({.block_size = SIZE_MAX / 2, .blocks = 4}), std::invalid_argument);
    EXPECT_THROW(make({.block_size = 1, .alignment = 64, .blocks = SIZE_MAX / 32}),
                 std::invalid_argument);
}

TEST(FixedPool, AllocatesABatchOrNothing)
{
    FixedPoolResource pool({.blocks = 4, .when_exhausted = Exhaustion::fail});
    std::vector<void*> five(5);
    EXPECT_FALSE(pool.try_allocate_batch(five));
    EXPECT_EQ(pool.available(), 4U);
    std::vector<void*> four(4);
    ASSERT_TRUE(pool.try_allocate_batch(four));
    EXPECT_EQ(std::set<void*>(four.begin(), four.end()).size(), 4U);
}

TEST(FixedPool, ReleaseGivesEverythingBack)
{
    Counted upstream;
    FixedPoolResource pool({.blocks = 2}, &upstream);
    for (int i = 0; i < 10; ++i)
        static_cast<void>(pool.allocate(64));
    pool.release();
    EXPECT_EQ(upstream.statistics().in_use, 0U);
    EXPECT_EQ(pool.statistics().in_use, 0U);
    EXPECT_EQ(pool.statistics().deallocations, 10U);
    EXPECT_GE(pool.statistics().peak_in_use, 640U);
    static_cast<void>(pool.allocate(64));
    EXPECT_EQ(pool.fresh(), 11U);
}

TEST(FixedPool, ResetKeepsTheNewestSlab)
{
    Counted upstream;
    FixedPoolResource pool({.blocks = 2}, &upstream);
    pool.reset();
    EXPECT_EQ(pool.capacity(), 0U);
    std::vector<void*> blocks(16);
    ASSERT_TRUE(pool.try_allocate_batch(blocks)); // slabs of 2, 2, 4 and 8
    pool.deallocate(blocks[3], 64);
    pool.reset();
    EXPECT_EQ(pool.capacity(), 8U);
    EXPECT_EQ(pool.available(), 8U);
    EXPECT_EQ(pool.statistics().in_use, 0U);
    EXPECT_EQ(pool.statistics().deallocations, 16U);
    EXPECT_EQ(pool.statistics().reserved, upstream.statistics().in_use);
    const std::uint64_t requests = upstream.statistics().allocations;
    for (int round = 0; round < 3; ++round) {
        std::vector<void*> again(8);
        ASSERT_TRUE(pool.try_allocate_batch(again));
        EXPECT_EQ(again[0], blocks[8]) << "the lowest address first";
        EXPECT_EQ(std::set<void*>(again.begin(), again.end()),
                  std::set<void*>(blocks.begin() + 8, blocks.end()));
        pool.reset();
    }
    EXPECT_EQ(upstream.statistics().allocations, requests);
    EXPECT_GE(pool.statistics().peak_in_use, 1024U) << "of before the reset";
}

TEST(FixedPool, ServesContainers)
{
    FixedPoolResource pool({.block_size = 64});
    std::pmr::list<int> numbers(&pool);
    for (int i = 0; i < 5000; ++i)
        numbers.push_back(i);
    EXPECT_EQ(pool.statistics().allocations, 5000U);
}

TEST(FixedPoolChecked, TellsEachMisuseApart)
{
    const test::ThrowingMisuseHandler misuse;
    FixedPoolResource pool({.block_size = 64, .blocks = 8, .checked = true});
    auto* const block = static_cast<std::byte*>(pool.allocate(64));
    const std::size_t stride = static_cast<std::byte*>(pool.allocate(64)) - block;
    std::byte elsewhere[64];
    EXPECT_EQ(misuse.of([&] { pool.deallocate(block, 63); }), Misuse::wrong_size);
    EXPECT_EQ(misuse.of([&] { pool.deallocate(block, 65); }), Misuse::wrong_size);
    EXPECT_EQ(misuse.of([&] { pool.deallocate(block, 64, 64); }), Misuse::wrong_alignment);
    EXPECT_EQ(misuse.of([&] { pool.deallocate(block, 64, 8); }), Misuse::wrong_alignment);
    EXPECT_EQ(misuse.of([&] { pool.deallocate(elsewhere, 64); }), Misuse::not_owned);
    EXPECT_EQ(misuse.of([&] { pool.deallocate(block + 8, 64); }), Misuse::misaligned);
    EXPECT_EQ(misuse.of([&] { pool.deallocate(block + 2 * stride, 64); }), Misuse::out_of_range);
    EXPECT_EQ(misuse.of([&] { pool.deallocate(block, 64); }), std::nullopt);
    EXPECT_EQ(misuse.of([&] { pool.deallocate(block, 64); }), Misuse::double_free);
    EXPECT_EQ(pool.statistics().deallocations, 1U);
}

TEST(FixedPoolChecked, FindsBlocksThatAResetHasTaken)
{
    const test::ThrowingMisuseHandler misuse;
    FixedPoolResource pool({.block_size = 64, .blocks = 8, .checked = true});
    void* const block = pool.allocate(64);
    pool.reset();
    EXPECT_EQ(misuse.of([&] { pool.deallocate(block, 64); }), Misuse::out_of_range);
    EXPECT_EQ(pool.allocate(64), block);
    EXPECT_EQ(misuse.of([&] { pool.deallocate(block, 64); }), std::nullopt);
}

TEST(FixedPoolChecked, FindsForeignBlocksAlsoWhereItPassesOn)
{
    const test::ThrowingMisuseHandler misuse;
    FixedPoolResource pool({.when_exhausted = Exhaustion::upstream, .checked = true});
    void* const large = pool.allocate(1000);
    std::byte elsewhere[64];
    EXPECT_EQ(misuse.of([&] { pool.deallocate(elsewhere, 64); }), Misuse::not_owned);
    EXPECT_EQ(misuse.of([&] { pool.deallocate(large, 999); }), Misuse::wrong_size);
    EXPECT_EQ(misuse.of([&] { pool.deallocate(large, 1000); }), std::nullopt);
}

TEST(FixedPoolDeathTest, WritesBehindAndAfterABlockAreSeen)
{
    const test::ThrowingMisuseHandler misuse;
    FixedPoolResource pool({.block_size = 64, .checked = true});
    auto* const block = static_cast<volatile char*>(pool.allocate(64));
    auto* const address = const_cast<char*>(block);
    if (detail::has_address_sanitizer()) { // it does, at once, and checked or not
        EXPECT_DEATH(block[64] = 'x', "use-after-poison");
        pool.deallocate(address, 64);
        EXPECT_DEATH(block[8] = 'x', "use-after-poison");
        return;
    }
    const char before = block[64];
    block[64] = 'x';
    EXPECT_EQ(misuse.of([&] { pool.deallocate(address, 64); }), Misuse::overflow);
    block[64] = before;
    pool.deallocate(address, 64);
    const char freed = block[8];
    block[8] = 'x';
    EXPECT_EQ(misuse.of([&] { pool.release(); }), Misuse::use_after_free);
    block[8] = freed;
}

TEST(FixedPoolDeathTest, ReportsADoubleFreeAndAborts)
{
    FixedPoolResource pool({.name = "packets", .checked = true});
    void* const block = pool.allocate(64);
    pool.deallocate(block, 64);
    EXPECT_DEATH(pool.deallocate(block, 64), "double free in resource 'packets'");
}

namespace {
struct Tracked {
    explicit Tracked(int& alive, bool fails = false) : alive_(alive)
    {
        if (fails) throw std::runtime_error("no");
        ++alive_;
    }
    ~Tracked() { --alive_; }
    int& alive_;
    std::string text = "longer than what a string holds within itself";
};
} // namespace

TEST(ObjectPool, HandlesDestroyAndGiveBack)
{
    int alive = 0;
    ObjectPool<Tracked> pool({.blocks = 2, .when_exhausted = Exhaustion::fail});
    {
        const auto first = pool.make(alive);
        auto second = pool.make(alive);
        EXPECT_EQ(alive, 2);
        EXPECT_EQ(pool.try_make(alive), nullptr);
        EXPECT_THROW(static_cast<void>(pool.make(alive)), std::bad_alloc);
        second.reset();
        EXPECT_NE(pool.try_make(alive), nullptr);
    }
    EXPECT_EQ(alive, 0);
    EXPECT_EQ(pool.resource().available(), 2U);
}

TEST(ObjectPool, AConstructorThatThrowsKeepsNoBlock)
{
    int alive = 0;
    ObjectPool<Tracked> pool({.blocks = 1, .when_exhausted = Exhaustion::fail});
    EXPECT_THROW(static_cast<void>(pool.make(alive, true)), std::runtime_error);
    EXPECT_EQ(pool.resource().available(), 1U);
}

TEST(ObjectPool, AlignsAsTheTypeWants)
{
    struct alignas(256) Wide {
        char bytes[300];
    };
    ObjectPool<Wide> pool;
    for (int i = 0; i < 20; ++i)
        EXPECT_TRUE(test::is_aligned(pool.create(), 256));
}

TEST(ObjectPool, ADoubleDestroyIsReported)
{
    const test::ThrowingMisuseHandler misuse;
    ObjectPool<int> pool({.checked = true});
    int* const number = pool.create(1);
    pool.destroy(number);
    EXPECT_EQ(misuse.of([&] { pool.destroy(number); }), Misuse::double_free);
}

} // namespace tarn
