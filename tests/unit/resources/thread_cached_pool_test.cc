// SPDX-License-Identifier: MIT
#include <atomic>
#include <memory>
#include <memory_resource>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/thread_cached_pool.h>

#include "src/base/units.h"
#include "tests/unit/resources/counted.h"
#include "tests/unit/resources/misuse_handler.h"
#include "tests/unit/resources/model.h"
#include "tests/unit/resources/wandering_blocks.h"
#include "tests/unit/support/contents.h"
#include "tests/unit/support/threads.h"

namespace tarn {

using test::Counted;

RC_GTEST_PROP(ThreadCachedPoolProperty, BlocksAreApartAndKeepTheirContents, (bool checked))
{
    Counted upstream;
    ThreadCachedPool pool({.largest = KiB(1) << *rc::gen::inRange(0, 6),
                           .batch = *test::any_size(10'000),
                           .checked = checked},
                          &upstream);
    test::run_against_model(pool, *test::any_steps(), {.knows_its_blocks = false});
    RC_ASSERT(pool.statistics().in_use == 0U);
    RC_ASSERT(pool.statistics().deallocations == pool.statistics().allocations);
}

TEST(ThreadCachedPool, MovesWholeBatches)
{
    Counted upstream;
    ThreadCachedPool pool({.batch = 64 * 32}, &upstream);
    std::vector<void*> blocks;
    for (int i = 0; i < 320; ++i)
        blocks.push_back(pool.allocate(64));
    EXPECT_EQ(pool.transfers(), 10U);
    for (void* const block : blocks)
        pool.deallocate(block, 64);
    EXPECT_EQ(pool.transfers(), 18U) << "two batches stay with the thread";
    EXPECT_EQ(upstream.sizes.size(), 1U);
}

TEST(ThreadCachedPool, ATurnAtTheEdgeOfABatchTakesNoLock)
{
    ThreadCachedPool pool({.batch = 64 * 8});
    std::vector<void*> blocks;
    for (int i = 0; i < 8; ++i)
        blocks.push_back(pool.allocate(64));
    const std::uint64_t before = pool.transfers();
    for (int i = 0; i < 100; ++i) {
        void* const one = pool.allocate(64);
        void* const two = pool.allocate(64);
        pool.deallocate(one, 64);
        pool.deallocate(two, 64);
    }
    EXPECT_LE(pool.transfers() - before, 1U);
}

TEST(ThreadCachedPool, WhatAThreadKeptGoesToTheOthers)
{
    Counted upstream;
    ThreadCachedPool pool({}, &upstream);
    test::in_thread([&] {
        std::vector<void*> blocks;
        for (int i = 0; i < 200; ++i)
            blocks.push_back(pool.allocate(256));
        for (void* const block : blocks)
            pool.deallocate(block, 256);
        EXPECT_EQ(pool.threads(), 1U);
    });
    EXPECT_EQ(pool.threads(), 0U);
    ASSERT_EQ(upstream.sizes.size(), 1U) << "a chunk of 256 blocks";
    const std::size_t before = upstream.sizes.size();
    for (int i = 0; i < 200; ++i)
        static_cast<void>(pool.allocate(256));
    EXPECT_EQ(upstream.sizes.size(), before);
    EXPECT_EQ(pool.statistics().allocations, 400U);
    EXPECT_EQ(pool.statistics().deallocations, 200U);
}

TEST(ThreadCachedPool, BlocksWanderBetweenThreads)
{
    ThreadCachedPool pool({.batch = 512});
    test::give_back_in_other_threads(
        pool, 3000, [](std::size_t i, std::size_t thread) { return 16 + (i * 37 + thread) % 500; });
}

TEST(ThreadCachedPool, InstancesAreApart)
{
    ThreadCachedPool one;
    ThreadCachedPool other;
    for (int i = 0; i < 100; ++i) {
        void* const block = one.allocate(64);
        EXPECT_TRUE(one.owns(block));
        EXPECT_FALSE(other.owns(block));
        static_cast<void>(other.allocate(64));
        one.deallocate(block, 64);
    }
    EXPECT_EQ(one.statistics().in_use, 0U);
    EXPECT_EQ(other.statistics().in_use, 6400U);
}

TEST(ThreadCachedPool, CountsEachRefusalOnce)
{
    ThreadCachedPool pool({}, std::pmr::null_memory_resource());
    EXPECT_EQ(pool.try_allocate(64), nullptr);
    EXPECT_EQ(pool.statistics().failures, 1U);
    EXPECT_THROW((void)pool.allocate(64), std::bad_alloc);
    EXPECT_EQ(pool.statistics().failures, 2U);
    EXPECT_EQ(pool.try_allocate(KiB(100)), nullptr);
    EXPECT_EQ(pool.statistics().failures, 3U);
    EXPECT_EQ(pool.statistics().allocations, 0U);
}

TEST(ThreadCachedPool, EndsBeforeItsThreads)
{
    std::atomic<int> step{0};
    auto pool = std::make_unique<ThreadCachedPool>();
    std::thread thread([&] {
        pool->deallocate(pool->allocate(64), 64);
        step = 1;
        while (step != 2)
            std::this_thread::yield();
        ThreadCachedPool next;
        static_cast<void>(next.allocate(64));
    });
    while (step != 1)
        std::this_thread::yield();
    pool.reset();
    step = 2;
    thread.join();
}

TEST(ThreadCachedPool, FlushGivesBlocksToTheOthers)
{
    Counted upstream;
    ThreadCachedPool pool({}, &upstream);
    void* const block = pool.allocate(64);
    pool.deallocate(block, 64);
    pool.flush();
    test::in_thread([&] { EXPECT_TRUE(pool.owns(pool.allocate(64))); });
    EXPECT_EQ(upstream.sizes.size(), 1U);
}

RC_GTEST_PROP(ThreadCachedPoolProperty, ATrimTakesNothingThatIsInUse, ())
{
    Counted upstream;
    ThreadCachedPool pool({.chunk = KiB(8), .batch = *test::any_size(2000)}, &upstream);
    const auto trim = [&] {
        const std::size_t before = upstream.statistics().in_use;
        const std::size_t bytes = pool.trim();
        RC_ASSERT(before - upstream.statistics().in_use == bytes);
        RC_ASSERT(pool.statistics().reserved == upstream.statistics().in_use);
    };
    for (int i = 0; i < 4; ++i) {
        std::vector<std::pair<unsigned char*, std::size_t>> kept;
        const auto sizes = *rc::gen::container<std::vector<std::size_t>>(test::any_size(KiB(8)));
        for (const std::size_t bytes : sizes) {
            auto* const block = static_cast<unsigned char*>(pool.allocate(bytes));
            test::fill(block, bytes, bytes);
            kept.emplace_back(block, bytes);
        }
        while (!kept.empty()) {
            trim();
            for (const auto& [block, bytes] : kept)
                RC_ASSERT(test::holds(block, bytes, bytes));
            for (std::size_t n = kept.size() / 2 + 1; n != 0; --n) {
                std::swap(kept.back(), kept[*rc::gen::inRange<std::size_t>(0, kept.size())]);
                pool.deallocate(kept.back().first, kept.back().second);
                kept.pop_back();
            }
        }
        trim();
        RC_ASSERT(upstream.statistics().in_use == 0U);
    }
}

TEST(ThreadCachedPool, TrimKeepsChunksWithABlockInUse)
{
    Counted upstream;
    ThreadCachedPool pool({}, &upstream);
    std::vector<void*> blocks;
    for (int i = 0; i < 256; ++i) // four chunks
        blocks.push_back(pool.allocate(KiB(1)));
    ASSERT_EQ(upstream.statistics().in_use, 4 * KiB(64));
    for (int i = 1; i < 256; ++i)
        pool.deallocate(blocks[static_cast<std::size_t>(i)], KiB(1));
    EXPECT_EQ(pool.trim(), 3 * KiB(64));
    EXPECT_EQ(upstream.statistics().in_use, KiB(64));
    EXPECT_EQ(pool.trim(), 0U);
    EXPECT_EQ(pool.statistics().reserved, KiB(64));
    EXPECT_EQ(pool.statistics().peak_reserved, 4 * KiB(64));
    for (int i = 0; i < 63; ++i) // the free ones of the chunk that stayed
        static_cast<void>(pool.allocate(KiB(1)));
    EXPECT_EQ(upstream.statistics().in_use, KiB(64));
}

TEST(ThreadCachedPool, TrimLeavesWhatOtherThreadsKeep)
{
    Counted upstream;
    ThreadCachedPool pool({}, &upstream);
    std::atomic<int> step{0};
    std::thread thread([&] {
        pool.deallocate(pool.allocate(64), 64);
        step = 1;
        while (step != 2)
            std::this_thread::yield();
        pool.flush();
        step = 3;
        while (step != 4)
            std::this_thread::yield();
    });
    const auto turn = [&](int mine) {
        while (step != mine)
            std::this_thread::yield();
        const std::size_t bytes = pool.trim();
        step = mine + 1;
        return bytes;
    };
    EXPECT_EQ(turn(1), 0U);
    EXPECT_EQ(turn(3), KiB(64));
    thread.join();
}

TEST(ThreadCachedPool, TrimsWhileThreadsAllocate)
{
    ThreadCachedPool pool({.chunk = KiB(16), .batch = 512});
    test::in_threads(4, [&](std::size_t thread) {
        std::vector<std::pair<unsigned char*, std::size_t>> blocks;
        for (std::size_t i = 0; i < 2000; ++i) {
            const std::size_t bytes = 16 + (i * 37 + thread) % 500;
            blocks.emplace_back(static_cast<unsigned char*>(pool.allocate(bytes)), bytes);
            test::fill(blocks.back().first, bytes, bytes);
            if (i % 100 == 0) pool.trim();
            if (i % 3 == 0) continue;
            std::swap(blocks.back(), blocks[i * 31 % blocks.size()]);
            const auto [block, size] = blocks.back();
            blocks.pop_back();
            EXPECT_TRUE(test::holds(block, size, size));
            pool.deallocate(block, size);
        }
        for (const auto& [block, size] : blocks)
            pool.deallocate(block, size);
    });
    pool.trim();
    EXPECT_EQ(pool.statistics().reserved, 0U);
    EXPECT_EQ(pool.statistics().in_use, 0U);
}

TEST(ThreadCachedPool, ItsPeaksRememberWhatIsLarge)
{
    ThreadCachedPool pool;
    pool.deallocate(pool.allocate(MiB(1)), MiB(1));
    EXPECT_EQ(pool.statistics().reserved, 0U);
    EXPECT_GE(pool.statistics().peak_in_use, MiB(1));
    EXPECT_GE(pool.statistics().peak_reserved, MiB(1));
}

namespace {
struct AllocatesAtItsEnd {
    ThreadCachedPool* pool = nullptr;
    ~AllocatesAtItsEnd()
    {
        if (pool != nullptr) pool->deallocate(pool->allocate(64), 64);
    }
};
} // namespace

TEST(ThreadCachedPool, ServesTheDestructorsOfAThread)
{
    ThreadCachedPool pool;
    test::in_thread([&] {
        thread_local AllocatesAtItsEnd last_wish; // made first, so it ends last
        last_wish.pool = &pool;
        pool.deallocate(pool.allocate(64), 64);
    });
    EXPECT_EQ(pool.statistics().allocations, 2U);
    EXPECT_EQ(pool.statistics().in_use, 0U);
}

TEST(ThreadCachedPool, RefusesOptionsThatMakeNoSense)
{
    EXPECT_THROW(ThreadCachedPool({.largest = KiB(64)}), std::invalid_argument);
    EXPECT_THROW(ThreadCachedPool({.chunk = KiB(1)}), std::invalid_argument);
}

TEST(ThreadCachedPoolChecked, ReportsMisuseOfAnyThread)
{
    const test::ThrowingMisuseHandler misuse;
    ThreadCachedPool pool({.checked = true});
    void* const block = pool.allocate(100);
    test::in_thread([&] { pool.deallocate(block, 100); });
    EXPECT_EQ(misuse.of([&] { pool.deallocate(block, 100); }), Misuse::double_free);
    EXPECT_EQ(pool.statistics().deallocations, 1U);
}

} // namespace tarn
