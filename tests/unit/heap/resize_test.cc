// SPDX-License-Identifier: MIT

#include "src/heap/resize.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include <gtest/gtest.h>

#include "src/heap/budget.h"
#include "src/heap/page_heap.h"
#include "src/heap/settings.h"
#include "src/heap/verify.h"
#include "tests/unit/support/contents.h"
#include "tests/unit/support/heap.h"
#include "tests/unit/support/random.h"

namespace tarn {

namespace {

using test::fill;
using test::holds;

class Resize : public testing::Test {
protected:
    void TearDown() override
    {
        settings.pools = true;
        verify_heap();
    }
};

/// Changes a block's size again and again; its contents must come along.
void resize_at_random(std::size_t most, int steps)
{
    test::Random random;
    std::size_t size = 1;
    void* block = allocate(size);
    fill(block, size, 9);
    for (int step = 0; step < steps; ++step) {
        const std::size_t next = 1 + random.size_up_to(most);
        block = reallocate(block, next);
        ASSERT_NE(block, nullptr);
        ASSERT_TRUE(test::is_aligned(block, kMinAlignment)) << next;
        ASSERT_GE(usable_size(block), next);
        ASSERT_TRUE(holds(block, size, 9, std::min(size, next))) << size << " -> " << next;
        size = next;
        fill(block, size, 9);
    }
    deallocate(block);
}

TEST_F(Resize, CopiesAGrowingBlockALogarithmicNumberOfTimes)
{
    void* block = allocate(KiB(4));
    int moves = 0;
    for (std::size_t size = KiB(4); size <= KiB(512); size += 64) {
        void* const grown = reallocate(block, size);
        moves += grown != block ? 1 : 0;
        block = grown;
    }
    // By a quarter at least: log(128) / log(1.25) = 22.
    EXPECT_LE(moves, 22);
    deallocate(block);
}

TEST_F(Resize, AsksForNoMoreThanNeededAtTheLimit)
{
    void* const block = allocate(KiB(320));
    fill(block, KiB(320), 3);
    test::own_heap().trim();
    page_heap.purge_all();
    // Enough for 321 KiB as it is, 384 KiB with its class, not for a quarter more.
    budget.set(budget.used() + KiB(384), [](std::size_t, std::size_t) {});
    errno = 7;
    void* const grown = reallocate(block, KiB(321));
    EXPECT_EQ(errno, 7);
    budget.set(0, [](std::size_t, std::size_t) {});
    ASSERT_NE(grown, nullptr);
    EXPECT_TRUE(holds(grown, KiB(320), 3, KiB(320)));
    deallocate(grown);
}

TEST_F(Resize, KeepsContentsWithinThePools)
{
    resize_at_random(MiB(1) - 1, 5000);
}

TEST_F(Resize, KeepsContentsAcrossPoolsAndFallback)
{
    resize_at_random(MiB(6), 1500);
}

TEST_F(Resize, KeepsContentsWithoutPools)
{
    settings.pools = false;
    resize_at_random(MiB(3), 1500);
}

TEST_F(Resize, LeavesABlockWhereItIsWhileItFits)
{
    void* const block = allocate(1000);
    EXPECT_EQ(reallocate(block, usable_size(block)), block);
    EXPECT_EQ(reallocate(block, 700), block);
    EXPECT_EQ(reallocate(block, usable_size(block) / 2), block);
    deallocate(block);
}

TEST_F(Resize, MovesABlockOfWhichLittleIsLeft)
{
    for (const std::size_t size : {KiB(10), KiB(500), MiB(3)}) {
        void* block = allocate(size);
        fill(block, size, 1);
        block = reallocate(block, 100);
        EXPECT_LT(usable_size(block), KiB(1)) << size;
        EXPECT_TRUE(holds(block, size, 1, 100));
        deallocate(block);
    }
}

TEST_F(Resize, GrowsALargeBlockWithoutEndlesslyCopyingIt)
{
    std::size_t size = MiB(2);
    void* block = allocate(size);
    fill(block, size, 3);
    std::size_t moves = 0;
    for (int i = 0; i < 200; ++i) {
        void* const grown = reallocate(block, size + KiB(64));
        ASSERT_NE(grown, nullptr);
        moves += grown != block;
        block = grown;
        size += KiB(64);
    }
    EXPECT_TRUE(holds(block, MiB(2), 3, MiB(2) - test::kCheckedEnd));
    EXPECT_LT(moves, 200U);
    deallocate(block);
}

TEST_F(Resize, LeavesTheBlockAloneWhenItFails)
{
    constexpr std::size_t kMost = std::numeric_limits<std::ptrdiff_t>::max();
    for (const std::size_t size : {std::size_t{100}, KiB(100), MiB(2)}) {
        void* const block = allocate(size);
        fill(block, size, 5);
        for (const std::size_t next : {kMost, kMost / 2, std::size_t{1} << 48}) {
            errno = 0;
            EXPECT_EQ(reallocate(block, next), nullptr);
            EXPECT_EQ(errno, ENOMEM);
            EXPECT_TRUE(holds(block, size, 5));
        }
        deallocate(block);
    }
}

TEST_F(Resize, KeepsErrnoOnSuccess)
{
    errno = 4711;
    void* block = allocate(1);
    for (const std::size_t size : {100U, 5000U, 100U, 2U << 20, 9U << 20, 3U << 20, 10U}) {
        block = reallocate(block, size);
        ASSERT_NE(block, nullptr);
        EXPECT_EQ(errno, 4711) << size;
    }
    deallocate(block);
}

TEST_F(Resize, RefusesPointersThatAreNobodys)
{
    int on_stack = 0;
    errno = 0;
    EXPECT_EQ(reallocate(test::foreign(&on_stack), 100), nullptr);
    EXPECT_EQ(errno, ENOMEM);
}

} // namespace

} // namespace tarn
