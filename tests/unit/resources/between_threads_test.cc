// SPDX-License-Identifier: MIT
//
// What threads give each other. One program for several headers: most of its time is compiling.
#include <atomic>
#include <cstddef>
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

} // namespace tarn
