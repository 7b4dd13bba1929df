// SPDX-License-Identifier: MIT
//
// The budget alone, and the whole heap within one: this program has limit=64m from its start.

#include "src/heap/budget.h"

#include <atomic>
#include <cerrno>

#include <gtest/gtest.h>

#include "src/heap/large.h"
#include "src/heap/page_heap.h"
#include "src/heap/resize.h"
#include "src/heap/statistics.h"
#include "src/heap/verify.h"
#include "tests/unit/support/contents.h"
#include "tests/unit/support/heap.h"
#include "tests/unit/support/random.h"
#include "tests/unit/support/threads.h"

namespace tarn {

namespace {

constexpr std::size_t kLimit = MiB(64);

std::atomic<int> warnings{0};

} // namespace

/// In place of the weak one in src/heap/slow_path.cc.
void configure_heap()
{
    budget.set(kLimit, [](std::size_t, std::size_t) { ++warnings; });
}

namespace {

TEST(BudgetAlone, AllowsEverythingWithoutALimit)
{
    Budget budget;
    EXPECT_TRUE(budget.reserve(std::size_t{1} << 62));
    EXPECT_TRUE(budget.reserve(std::size_t{1} << 62));
    EXPECT_EQ(budget.used(), std::size_t{1} << 63);
    budget.release(std::size_t{1} << 63);
    EXPECT_EQ(budget.used(), 0U);
}

TEST(BudgetAlone, RemembersThePeak)
{
    for (const std::size_t limit : {std::size_t{0}, std::size_t{1000}}) {
        Budget budget;
        budget.set(limit, [](std::size_t, std::size_t) {});
        EXPECT_TRUE(budget.reserve(300));
        EXPECT_TRUE(budget.reserve(500));
        budget.release(700);
        EXPECT_TRUE(budget.reserve(100));
        EXPECT_EQ(budget.peak(), 800U);
        EXPECT_EQ(budget.used(), 200U);
    }
}

TEST(BudgetAlone, IsExactAtItsLimit)
{
    Budget budget;
    budget.set(100, [](std::size_t, std::size_t) {});
    EXPECT_TRUE(budget.reserve(60));
    EXPECT_FALSE(budget.reserve(41));
    EXPECT_TRUE(budget.reserve(40));
    EXPECT_FALSE(budget.reserve(1));
    EXPECT_TRUE(budget.reserve(0));
    EXPECT_FALSE(budget.reserve(~std::size_t{0})) << "must not wrap around";
    budget.release(100);
    EXPECT_EQ(budget.used(), 0U);
    EXPECT_TRUE(budget.reserve(100));
}

TEST(BudgetAlone, WarnsOnceAboveNinePerTen)
{
    static int warned = 0;
    static std::size_t used_then = 0;
    Budget budget;
    budget.set(1000, [](std::size_t used, std::size_t limit) {
        ++warned;
        used_then = used;
        EXPECT_EQ(limit, 1000U);
    });
    EXPECT_TRUE(budget.reserve(900));
    EXPECT_EQ(warned, 0);
    EXPECT_TRUE(budget.reserve(1));
    EXPECT_EQ(warned, 1);
    EXPECT_EQ(used_then, 901U);
    budget.release(901);
    EXPECT_TRUE(budget.reserve(1000));
    EXPECT_EQ(warned, 1);
}

TEST(BudgetAlone, NeverExceedsItsLimitWhenThreadsRace)
{
    Budget budget;
    budget.set(1000, [](std::size_t, std::size_t) {});
    std::atomic<std::size_t> held{0};
    test::in_threads(4, [&](std::size_t thread) {
        test::Random random(thread);
        for (int i = 0; i < 50000; ++i) {
            const std::size_t size = 1 + random.below(400);
            if (!budget.reserve(size)) continue;
            ASSERT_LE(held.fetch_add(size) + size, 1000U);
            held.fetch_sub(size);
            budget.release(size);
        }
    });
    EXPECT_EQ(budget.used(), 0U);
}

/// What the budget should say: the slabs of all heaps, as far as blocks reach, and large blocks.
std::size_t handed_out()
{
    std::size_t bytes = large_counters.live.load();
    for (std::size_t index = 0; index < kSizeClassCount; ++index) {
        const auto size_class = static_cast<SizeClass>(index);
        bytes += class_statistics(size_class).slabs * shape_of(size_class).span();
    }
    return bytes;
}

class HeapWithinABudget : public testing::Test {
protected:
    void SetUp() override { test::own_heap(); }
    void TearDown() override
    {
        verify_heap();
        EXPECT_EQ(budget.used(), handed_out());
        trim_process();
        EXPECT_EQ(budget.used(), 0U) << "every block is free and every heap is trimmed";
        EXPECT_EQ(page_heap.used(), 0U);
    }
};

/// Allocates until it is refused; returns how many bytes that were.
std::size_t fill_up(std::vector<void*>& blocks, std::size_t size)
{
    std::size_t bytes = 0;
    for (;;) {
        errno = 0;
        void* const block = allocate(size);
        if (block == nullptr) break;
        bytes += usable_size(block);
        blocks.push_back(block);
    }
    EXPECT_EQ(errno, ENOMEM);
    return bytes;
}

void free_all(std::vector<void*>& blocks)
{
    for (void* const block : blocks)
        deallocate(block);
    blocks.clear();
}

TEST_F(HeapWithinABudget, GivesOutNearlyAllOfItInEverySize)
{
    std::vector<void*> blocks;
    for (const std::size_t size : {std::size_t{64}, std::size_t{1000}, KiB(20), KiB(500), MiB(2)}) {
        const std::size_t bytes = fill_up(blocks, size);
        EXPECT_LE(bytes, kLimit) << size;
        EXPECT_GE(bytes, kLimit / 10 * 9) << size;
        EXPECT_LE(budget.used(), kLimit);
        free_all(blocks);
    }
    EXPECT_EQ(warnings.load(), 1);
}

TEST_F(HeapWithinABudget, CanBeUsedAgainInAnotherSizeOnceItIsFree)
{
    std::vector<void*> blocks;
    fill_up(blocks, 100);
    free_all(blocks);
    EXPECT_GE(fill_up(blocks, KiB(100)), kLimit / 10 * 9);
    free_all(blocks);
    EXPECT_GE(fill_up(blocks, 16), kLimit / 10 * 9);
    free_all(blocks);
}

TEST_F(HeapWithinABudget, RefusesWhatIsLargerThanTheLimit)
{
    errno = 0;
    EXPECT_EQ(allocate(kLimit + 1), nullptr);
    EXPECT_EQ(errno, ENOMEM);
    void* const block = allocate(kLimit / 2);
    EXPECT_NE(block, nullptr);
    errno = 0;
    EXPECT_EQ(reallocate(block, kLimit * 2), nullptr);
    EXPECT_EQ(errno, ENOMEM);
    deallocate(block);
}

TEST_F(HeapWithinABudget, KeepsErrnoWhenABlockShrinksWhereItIs)
{
    std::vector<void*> blocks;
    void* const block = allocate(KiB(800));
    fill_up(blocks, KiB(700));
    fill_up(blocks, KiB(60));
    errno = 4711;
    // There is no room to move it to, but it may stay.
    void* const shrunk = reallocate(block, KiB(100));
    ASSERT_NE(shrunk, nullptr);
    EXPECT_EQ(errno, 4711);
    deallocate(shrunk);
    free_all(blocks);
}

TEST_F(HeapWithinABudget, HoldsWhileThreadsRace)
{
    std::atomic<std::size_t> live{0};
    std::atomic<std::size_t> refused{0};
    test::in_threads(4, [&](std::size_t thread) {
        test::Random random(thread);
        std::vector<void*> blocks(1000);
        for (int i = 0; i < 15000; ++i) {
            void*& block = blocks[random.below(blocks.size())];
            if (block != nullptr) {
                live.fetch_sub(usable_size(block));
                deallocate(block);
                block = nullptr;
            } else {
                block = allocate(random.size_up_to(MiB(2)));
                if (block == nullptr) {
                    refused.fetch_add(1);
                    continue;
                }
                const std::size_t usable = usable_size(block);
                ASSERT_LE(live.fetch_add(usable) + usable, kLimit);
            }
        }
        for (void* const block : blocks) {
            live.fetch_sub(usable_size(block));
            deallocate(block);
        }
    });
    EXPECT_GT(refused.load(), 0U) << "the limit was reached";
}

} // namespace

} // namespace tarn
