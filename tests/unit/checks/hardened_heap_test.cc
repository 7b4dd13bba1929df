// SPDX-License-Identifier: MIT
//
// Linked with support/hardened_configuration.cc, where what is reported ends the test.

#include "src/checks/hardened_heap.h"

#include <barrier>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "src/checks/slot_cache.h"
#include "src/checks/slot_record.h"
#include "src/heap/allocate.h"
#include "src/heap/budget.h"
#include "src/heap/deallocate.h"
#include "src/heap/resize.h"
#include "src/heap/thread_cache.h"
#include "tests/unit/support/contents.h"
#include "tests/unit/support/heap.h"
#include "tests/unit/support/threads.h"

namespace tarn {

namespace {

/// What waits in a ring leaves it, and the thread's shelf is full.
void push_out(std::size_t size)
{
    std::vector<void*> blocks(200);
    for (void*& block : blocks)
        block = allocate(size);
    for (void* const block : blocks)
        deallocate(block);
}

TEST(HardenedHeap, GrowthInPlaceShowsNoCanaryAndNothingOfBefore)
{
    struct Sizes {
        std::size_t small;
        std::size_t large; // of the same class
    };
    for (const auto& [small, large] : {Sizes{33, 39}, Sizes{900, 950}}) {
        for (int round = 0; round < 100; ++round) {
            auto* block = static_cast<char*>(allocate(small));
            std::memset(block, 'p', small);
            ASSERT_EQ(reallocate(block, large), block);
            EXPECT_TRUE(test::is_zero(block + small, large - small));
            std::memset(block, 'p', large);
            ASSERT_EQ(reallocate(block, small), block);
            ASSERT_EQ(reallocate(block, large), block);
            EXPECT_TRUE(test::is_zero(block + small, large - small));
            deallocate(block);
        }
    }
}

TEST(HardenedHeap, WhatASignalHandlerFreesInsideASlowPathIsFreedByTheNext)
{
    void* const block = allocate(100);
    void* const large = allocate(MiB(2));
    this_thread_cache().busy = true;
    deallocate(block);
    deallocate(large);
    this_thread_cache().busy = false;
    EXPECT_EQ(usable_size(block), 100U) << "nobody could look after it";
    deallocate(allocate(100));
    EXPECT_EQ(usable_size(block), 0U);
}

TEST(HardenedHeap, WithoutMemoryWhatWaitsComesHome)
{
    constexpr std::size_t kLimit = MiB(4);
    budget.set(budget.used() + kLimit, [](std::size_t, std::size_t) {});
    // Of each class as many as a quarantine takes.
    for (std::size_t size = 40; size < KiB(16); size += size / 8) {
        std::vector<void*> blocks(SlotShelf::kMost);
        for (void*& block : blocks)
            block = allocate(size);
        for (void* const block : blocks)
            deallocate(block);
    }
    std::vector<void*> blocks;
    while (void* const block = allocate(1000))
        blocks.push_back(block);
    EXPECT_GT(blocks.size() * KiB(1), kLimit - KiB(400));
    for (void* const block : blocks)
        deallocate(block);
    budget.set(0, nullptr);
}

TEST(HardenedHeapDeathTest, AWriteIsSeenWhenTheSlotGoesHome)
{
    const auto write_late = [] {
        std::vector<char*> blocks(500);
        for (char*& block : blocks)
            block = static_cast<char*>(allocate(40));
        for (char* const block : blocks) {
            deallocate(block);
            if (block == blocks[200]) block[3] = 'x';
        }
    };
    EXPECT_DEATH(write_late(), "false report: fault");
}

/// As if two threads had passed the look at the record at once.
TEST(HardenedHeapDeathTest, ASlotThatTwoThreadsFreedAtOnceIsReported)
{
    const auto free_at_once = [] {
        void* const block = allocate(40);
        deallocate(block);
        const Slot slot = slot_table.at(block);
        SlotRecord known = slot.load();
        known.state = SlotState::live;
        slot.store(known);
        deallocate(block);
        push_out(40);
    };
    EXPECT_DEATH(free_at_once(), "false report: fault");
}

TEST(HardenedHeap, BlocksThatThreadsGiveEachOtherAreFreedOnce)
{
    constexpr std::size_t kThreads = 4;
    std::vector<std::vector<void*>> given(kThreads);
    std::barrier meeting(kThreads);
    test::in_threads(kThreads, [&](std::size_t thread) {
        for (int round = 0; round < 50; ++round) {
            for (int i = 0; i < 100; ++i) {
                void* const block = allocate(40);
                test::fill(block, 40, thread);
                given[thread].push_back(block);
            }
            meeting.arrive_and_wait();
            const std::size_t other = (thread + 1) % kThreads;
            for (void* const block : given[other]) {
                ASSERT_TRUE(test::holds(block, 40, other));
                deallocate(block);
            }
            meeting.arrive_and_wait();
            given[thread].clear();
        }
    });
}

} // namespace

} // namespace tarn
