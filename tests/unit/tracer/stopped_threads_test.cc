// SPDX-License-Identifier: MIT

#include "tracer/stopped_threads.h"

#include <atomic>
#include <csignal>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/support/threads.h"

namespace tarn {

namespace {

int own_id()
{
    return static_cast<int>(::syscall(SYS_gettid));
}

struct Worker {
    std::atomic<std::uint64_t> steps{0};
    std::atomic<int> id{0};
    std::atomic<std::uintptr_t> stack{0};
    std::atomic<bool> done{false};

    void run()
    {
        const int local = 0;
        stack = reinterpret_cast<std::uintptr_t>(&local);
        id = own_id();
        while (!done)
            ++steps;
    }
};

TEST(StoppedThreads, StandStillUntilTheyAreResumed)
{
    std::array<Worker, 3> workers;
    std::vector<std::thread> threads;
    for (Worker& worker : workers)
        threads.emplace_back([&] { worker.run(); });
    for (const Worker& worker : workers)
        while (worker.id == 0)
            std::this_thread::yield();
    {
        StoppedThreads stopped;
        ASSERT_TRUE(stopped.stop());
        for (const Worker& worker : workers) {
            const std::uint64_t steps = worker.steps;
            ::usleep(2000);
            EXPECT_EQ(worker.steps, steps);
            const StoppedThread* found = nullptr;
            for (const StoppedThread& thread : stopped.threads())
                if (thread.id == worker.id) found = &thread;
            ASSERT_NE(found, nullptr);
            EXPECT_TRUE(found->answered);
            EXPECT_LE(found->stack_point, worker.stack + 4096);
            EXPECT_GE(found->stack_point, worker.stack - 65536);
        }
        for (const StoppedThread& thread : stopped.threads())
            EXPECT_NE(thread.id, own_id()) << "never the one that asks";
    }
    for (Worker& worker : workers) {
        const std::uint64_t steps = worker.steps;
        while (worker.steps == steps)
            std::this_thread::yield();
        worker.done = true;
    }
    for (std::thread& thread : threads)
        thread.join();
}

TEST(StoppedThreads, AreFoundByProcIfTheyBlockTheSignal)
{
    std::atomic<int> id{0};
    std::uintptr_t stack = 0;
    std::atomic<std::uint32_t> word{0};
    std::thread thread([&] {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
        const int local = 0;
        stack = reinterpret_cast<std::uintptr_t>(&local);
        id = own_id();
        word.wait(0);
    });
    while (id == 0)
        std::this_thread::yield();
    ::usleep(20'000); // until it waits
    {
        StoppedThreads stopped;
        ASSERT_TRUE(stopped.stop());
        ASSERT_EQ(stopped.threads().size(), 1U);
        EXPECT_FALSE(stopped.threads()[0].answered);
        EXPECT_LE(stopped.threads()[0].stack_point, stack + 4096);
        EXPECT_GE(stopped.threads()[0].stack_point, stack - 65536);
    }
    word = 1;
    word.notify_one();
    thread.join();
}

TEST(StoppedThreads, LeaveNoSignalClaimed)
{
    {
        StoppedThreads stopped;
        ASSERT_TRUE(stopped.stop());
    }
    for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) {
        struct sigaction action {};
        ASSERT_EQ(::sigaction(signal, nullptr, &action), 0);
        EXPECT_EQ(action.sa_handler, SIG_DFL) << signal;
    }
}

TEST(StoppedThreads, MayStartAndEndMeanwhile)
{
    std::atomic<bool> done{false};
    std::thread starter([&] {
        while (!done)
            test::in_thread([] {});
    });
    for (int i = 0; i < 200; ++i) {
        StoppedThreads stopped;
        ASSERT_TRUE(stopped.stop());
    }
    done = true;
    starter.join();
}

} // namespace

} // namespace tarn
