// SPDX-License-Identifier: MIT
//
// What threads give each other. One program for several headers: most of its time is compiling.
#include <algorithm>
#include <atomic>
#include <barrier>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <latch>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <tarn/failing_resource.h>
#include <tarn/handover.h>
#include <tarn/object_pool.h>
#include <tarn/sharded_counter.h>
#include <tarn/work_stealing_deque.h>

#include "tests/unit/resources/counted.h"
#include "tests/unit/support/threads.h"

namespace tarn {

TEST(WorkStealingDeque, TheOwnerHasTheNewestAndAThiefTheOldest)
{
    WorkStealingDeque<int> deque;
    for (int i = 0; i < 4; ++i)
        deque.push(i);
    EXPECT_EQ(deque.size(), 4U);
    EXPECT_EQ(deque.try_pop(), 3);
    EXPECT_EQ(deque.try_steal(), 0);
    EXPECT_EQ(deque.try_pop(), 2);
    EXPECT_EQ(deque.try_steal(), 1);
    EXPECT_EQ(deque.try_pop(), std::nullopt);
    EXPECT_EQ(deque.try_steal(), std::nullopt);
    EXPECT_TRUE(deque.is_empty());
}

RC_GTEST_PROP(WorkStealingDeque, IsADequeOfAnySize, (const std::vector<int>& steps))
{
    WorkStealingDeque<int> deque(1);
    std::deque<int> model;
    for (const int step : steps) {
        std::optional<int> expected;
        if (step % 4 == 0) {
            if (!model.empty()) {
                expected = model.back();
                model.pop_back();
            }
            RC_ASSERT(deque.try_pop() == expected);
        } else if (step % 4 == 1) {
            if (!model.empty()) {
                expected = model.front();
                model.pop_front();
            }
            RC_ASSERT(deque.try_steal() == expected);
        } else {
            deque.push(step);
            model.push_back(step);
        }
        RC_ASSERT(deque.size() == model.size());
    }
}

TEST(WorkStealingDeque, KeepsItsArraysToTheEnd)
{
    test::Counted upstream;
    {
        WorkStealingDeque<int> deque(4, &upstream);
        for (int i = 0; i < 100; ++i)
            deque.push(i);
        EXPECT_EQ(deque.capacity(), 128U);
        EXPECT_EQ(upstream.statistics().allocations, 6U);
        EXPECT_EQ(upstream.statistics().deallocations, 0U); // a thief may still read any of them
        for (int i = 100; i-- > 0;)
            EXPECT_EQ(deque.try_pop(), i);
    }
    EXPECT_EQ(upstream.statistics().deallocations, 6U);
}

TEST(WorkStealingDeque, IsAsBeforeWhenThereIsNoMemoryToGrow)
{
    FailingResource upstream({.at = 2});
    WorkStealingDeque<int> deque(2, &upstream);
    deque.push(1);
    deque.push(2);
    EXPECT_THROW(deque.push(3), std::bad_alloc);
    EXPECT_EQ(deque.try_steal(), 1);
    EXPECT_EQ(deque.try_pop(), 2);
    EXPECT_THROW(WorkStealingDeque<int>(SIZE_MAX), std::invalid_argument);
}

// What the thread that pushed wrote must be seen, too: the objects are not atomic.
struct Job {
    std::size_t number = 0;
};

class JobsTaken {
public:
    explicit JobsTaken(std::size_t count) : times_(count) {}

    void take(const Job* job)
    {
        times_[job->number].fetch_add(1, std::memory_order_relaxed);
        taken_.fetch_add(1, std::memory_order_relaxed);
    }
    bool are_all() const { return taken_.load(std::memory_order_relaxed) >= times_.size(); }
    void expect_each_once() const
    {
        for (std::size_t i = 0; i < times_.size(); ++i)
            ASSERT_EQ(times_[i].load(), 1) << "job " << i;
    }

private:
    std::vector<std::atomic<int>> times_;
    std::atomic<std::size_t> taken_{0};
};

// The owner pushes `burst` jobs, then pops as many as `pops` of them.
void share_among_thieves(std::size_t thieves, std::size_t burst, std::size_t pops)
{
    constexpr std::size_t kCount = 100'000;
    WorkStealingDeque<Job*> deque(1);
    JobsTaken taken(kCount);
    std::vector<Job> jobs(kCount);
    std::latch start(static_cast<std::ptrdiff_t>(1 + thieves));
    test::in_threads(1 + thieves, [&](std::size_t thread) {
        start.arrive_and_wait();
        for (std::size_t pushed = 0; thread == 0 && pushed < kCount;) {
            for (std::size_t i = 0; i < burst && pushed < kCount; ++i) {
                jobs[pushed].number = pushed;
                deque.push(&jobs[pushed++]);
            }
            for (std::size_t i = 0; i < pops; ++i)
                if (const auto job = deque.try_pop()) taken.take(*job);
        }
        while (!taken.are_all()) {
            if (const auto job = thread == 0 ? deque.try_pop() : deque.try_steal())
                taken.take(*job);
            else
                std::this_thread::yield();
        }
    });
    taken.expect_each_once();
}

TEST(WorkStealingDeque, ThievesTakeEachObjectOnceWhileItGrows)
{
    share_among_thieves(3, 300, 100);
}

TEST(WorkStealingDeque, OwnerAndThievesFightForTheLastOne)
{
    share_among_thieves(1, 1, 1);
    share_among_thieves(1, 2, 2);
    share_among_thieves(3, 2, 1);
}

TEST(ShardedCounter, HasEveryAdditionOfEveryThread)
{
    ShardedCounter counter;
    test::in_threads(5, [&](std::size_t /*thread*/) {
        for (int i = 0; i < 20'000; ++i)
            counter.add(3);
        counter.subtract(20'000);
    });
    EXPECT_EQ(counter.total(), 5U * 40'000);
}

TEST(ShardedCounter, ThreadsThatRunTogetherWriteToLinesOfTheirOwn)
{
    detail::Shards<std::atomic<int>> shards;
    std::atomic<std::size_t> used{0};
    const std::size_t count = shards.all().size();
    test::in_threads(count, [&](std::size_t /*thread*/) {
        if (shards.mine().fetch_add(1) == 0) ++used;
    });
    EXPECT_EQ(used, count);
    for (const auto& shard : shards.all())
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&shard) % kCacheLine, 0U);
}

TEST(ShardedCounter, AThreadSeldomSharesALineWithThoseThatComeAndGo)
{
    detail::Shards<std::atomic<int>> shards;
    const auto* const mine = &shards.mine();
    int shared = 0;
    for (int i = 0; i < 24; ++i)
        test::in_thread([&] { shared += static_cast<int>(&shards.mine() == mine); });
    EXPECT_LE(shared, 3);
}

// A peak of all that was ever allocated would be too large, one of what is left too small.
RC_GTEST_PROP(ShardedStatistics, ThePeakIsTheMostThatWasInUse, (const std::vector<bool>& steps))
{
    ShardedStatistics counted;
    ResourceStatistics model;
    std::vector<std::size_t> blocks;
    for (const bool allocates : steps) {
        if (allocates || blocks.empty()) {
            blocks.push_back(*rc::gen::inRange<std::size_t>(1, 1000));
            counted.note_allocation(blocks.back());
            ++model.allocations;
            model.in_use += blocks.back();
            model.peak_in_use = std::max(model.peak_in_use, model.in_use);
        } else {
            counted.note_deallocation(blocks.back());
            ++model.deallocations;
            model.in_use -= blocks.back();
            blocks.pop_back();
        }
        RC_ASSERT(to_json(counted.statistics()) == to_json(model));
    }
}

TEST(ShardedStatistics, ThePeakIsThatOfAllThreadsTogether)
{
    constexpr std::size_t kThreads = 4;
    constexpr std::size_t kBytes = 1000;
    ShardedStatistics counted;
    std::barrier all_have_theirs(kThreads);
    test::in_threads(kThreads, [&](std::size_t /*thread*/) {
        for (int i = 0; i < 10'000; ++i) {
            counted.note_allocation(kBytes);
            if (i == 5'000) all_have_theirs.arrive_and_wait();
            counted.note_deallocation(kBytes);
        }
        counted.note_failure();
    });
    EXPECT_EQ(to_json(counted.statistics()), to_json(ResourceStatistics{.allocations = 40'000,
                                                                        .deallocations = 40'000,
                                                                        .failures = kThreads,
                                                                        .peak_in_use = 4000}));
}

TEST(ShardedStatistics, AreConsistentAtAnyTime)
{
    constexpr std::size_t kBytes = 16;
    ShardedStatistics counted;
    std::atomic<int> running{3};
    test::in_threads(4, [&](std::size_t thread) {
        for (int i = 0; thread != 0 && i < 50'000; ++i) {
            counted.note_allocation(kBytes);
            counted.note_deallocation(kBytes);
        }
        if (thread != 0) --running;
        while (thread == 0 && running != 0) {
            const ResourceStatistics now = counted.statistics();
            ASSERT_LE(now.deallocations, now.allocations);
            ASSERT_LE(now.in_use, now.peak_in_use);
            ASSERT_LE(now.peak_in_use, 3 * kBytes);
        }
    });
}

using Numbers = Handover<std::unique_ptr<int>>;

Numbers::Batch batch_of(int first, int count)
{
    Numbers::Batch batch;
    for (int i = 0; i < count; ++i)
        batch.push_back(std::make_unique<int>(first + i));
    return batch;
}

TEST(Handover, BatchesArriveInTheirOrder)
{
    Numbers numbers;
    EXPECT_EQ(numbers.try_receive(), std::nullopt);
    numbers.send(batch_of(0, 2));
    numbers.send(batch_of(2, 3));
    numbers.send(batch_of(5, 0));
    EXPECT_EQ(*numbers.receive()[1], 1);
    numbers.send(batch_of(6, 1)); // while two are still to come
    auto second = numbers.try_receive();
    ASSERT_TRUE(second);
    EXPECT_EQ(second->size(), 3U);
    EXPECT_EQ(**second->begin(), 2);
    EXPECT_TRUE(numbers.receive().empty());
    EXPECT_EQ(*numbers.receive()[0], 6);
    EXPECT_EQ(numbers.try_receive(), std::nullopt);
}

TEST(Handover, WhatNobodyReceivedIsDestroyed)
{
    const auto shared = std::make_shared<int>(1);
    test::Counted memory;
    {
        using Shared = Handover<std::shared_ptr<int>>;
        Shared handover;
        for (int i = 0; i < 3; ++i) {
            Shared::Batch batch(&memory);
            batch.push_back(shared);
            handover.send(std::move(batch));
        }
        Shared::Batch unsent(&memory);
        unsent.push_back(shared);
        EXPECT_EQ(handover.receive().size(), 1U); // two are in order then, and one is sent anew
        handover.send(std::move(unsent));
        EXPECT_EQ(shared.use_count(), 4);
    }
    EXPECT_EQ(shared.use_count(), 1);
    EXPECT_EQ(memory.statistics().in_use, 0U);
}

TEST(Handover, TheReceiverOwnsWhatManySendersHad)
{
    constexpr int kBatches = 2'000;
    constexpr int kSenders = 3;
    Numbers numbers;
    std::vector<int> next(kSenders, 0);
    test::in_threads(1 + kSenders, [&](std::size_t thread) {
        for (int i = 0; thread < kSenders && i < kBatches; ++i)
            numbers.send(batch_of(static_cast<int>(thread) * kBatches + i, 1 + i % 3));
        for (int i = 0; thread == kSenders && i < kSenders * kBatches; ++i) {
            Numbers::Batch batch = numbers.receive();
            const int number = *batch[0];
            ASSERT_EQ(number % kBatches, next[static_cast<std::size_t>(number / kBatches)]++);
            ASSERT_EQ(batch.size(), 1U + static_cast<std::size_t>(number % kBatches % 3));
        }
    });
    EXPECT_EQ(next, std::vector<int>(kSenders, kBatches));
}

// A pool of one thread: only its owner may give objects back to it.
TEST(Handover, ObjectsComeHomeToThePoolOfTheirThread)
{
    constexpr int kRounds = 500;
    using Handle = ObjectPool<Job>::Handle;
    ObjectPool<Job> pool({.checked = true});
    Handover<Handle> to_worker;
    Handover<Handle> back_home;
    test::in_threads(2, [&](std::size_t thread) {
        if (thread == 0) {
            for (std::size_t i = 0; i < kRounds; ++i) {
                Handover<Handle>::Batch batch;
                batch.push_back(pool.make(Job{i}));
                batch.push_back(pool.make(Job{i}));
                to_worker.send(std::move(batch));
                while (back_home.try_receive()) {
                }
            }
        } else {
            for (std::size_t i = 0; i < kRounds; ++i) {
                Handover<Handle>::Batch batch = to_worker.receive();
                ASSERT_EQ(batch[1]->number, i);
                back_home.send(std::move(batch));
            }
        }
    });
    while (back_home.try_receive()) {
    }
    EXPECT_EQ(pool.resource().statistics().in_use, 0U);
}

} // namespace tarn
