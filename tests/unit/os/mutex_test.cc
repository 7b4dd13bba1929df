// SPDX-License-Identifier: MIT

#include "src/os/mutex.h"

#include <atomic>
#include <cerrno>
#include <thread>

#include <gtest/gtest.h>

#include "tests/unit/support/threads.h"

namespace tarn::os {

namespace {

constinit Mutex constant_mutex; // needs no constructor: this line is the test

TEST(Mutex, LetsOneThreadInAtATime)
{
    std::size_t counter = 0; // on purpose no atomic
    std::atomic<int> inside{0};
    test::in_threads(8, [&](std::size_t) {
        for (int i = 0; i < 20000; ++i) {
            const LockGuard guard(constant_mutex);
            ASSERT_EQ(inside.fetch_add(1), 0);
            ++counter;
            inside.fetch_sub(1);
        }
    });
    EXPECT_EQ(counter, 160000U);
}

TEST(Mutex, WakesEveryThreadThatSleepsOnIt)
{
    Mutex mutex;
    mutex.lock();
    std::atomic<int> waiting{0};
    int through = 0;
    std::thread release([&] {
        while (waiting.load() < 16)
            std::this_thread::yield();
        mutex.unlock();
    });
    test::in_threads(16, [&](std::size_t) {
        ++waiting;
        const LockGuard guard(mutex);
        ++through;
        std::this_thread::yield();
    });
    release.join();
    EXPECT_EQ(through, 16);
    EXPECT_TRUE(mutex.try_lock());
}

TEST(Mutex, IsNotTakenTwice)
{
    Mutex mutex;
    EXPECT_TRUE(mutex.try_lock());
    EXPECT_FALSE(mutex.try_lock());
    mutex.unlock();
    EXPECT_TRUE(mutex.try_lock());
}

TEST(Mutex, IsFreeAfterAResetWhoeverHeldIt)
{
    Mutex mutex;
    mutex.lock();
    mutex.reset();
    EXPECT_TRUE(mutex.try_lock());
}

TEST(Mutex, KeepsErrno)
{
    Mutex mutex;
    test::in_threads(4, [&](std::size_t) {
        errno = 4711;
        for (int i = 0; i < 5000; ++i) {
            const LockGuard guard(mutex);
            std::this_thread::yield();
        }
        EXPECT_EQ(errno, 4711);
    });
}

TEST(Futex, WaitsForNothingWhenTheWordHasChanged)
{
    std::atomic<std::uint32_t> word{1};
    errno = 4711;
    futex_wait(word, 0); // returns, or the test hangs
    futex_wait_for(word, 0, 1000000);
    EXPECT_EQ(errno, 4711);
}

TEST(Futex, StopsWaitingAfterItsTime)
{
    std::atomic<std::uint32_t> word{0};
    errno = 4711;
    futex_wait_for(word, 0, 5); // returns, or the test hangs
    EXPECT_EQ(errno, 4711);
}

TEST(Futex, WakesTheWaiting)
{
    std::atomic<std::uint32_t> word{0};
    std::thread waker([&] {
        word.store(1);
        futex_wake(word, 8);
    });
    test::in_threads(8, [&](std::size_t) {
        while (word.load() == 0)
            futex_wait(word, 0);
    });
    waker.join();
}

} // namespace

} // namespace tarn::os
