// SPDX-License-Identifier: MIT

#include "src/os/process.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/support/threads.h"

namespace tarn::os {

namespace {

TEST(Process, HasAClockThatNeverGoesBack)
{
    std::uint64_t last = clock_milliseconds();
    for (int i = 0; i < 10000; ++i) {
        const std::uint64_t now = clock_milliseconds();
        ASSERT_GE(now, last);
        last = now;
    }
    EXPECT_GT(wall_clock_seconds(), 1'600'000'000U);
}

TEST(Process, KnowsItsNumberNameAndHost)
{
    EXPECT_EQ(process_id(), static_cast<std::uint64_t>(::getpid()));
    EXPECT_EQ(executable_name(), std::filesystem::read_symlink("/proc/self/exe").filename());
    std::array<char, 256> expected{};
    ASSERT_EQ(::gethostname(expected.data(), expected.size()), 0);
    std::array<char, 256> seen;
    errno = 4711;
    EXPECT_EQ(std::string(seen.data(), host_name(seen)), expected.data());
    EXPECT_EQ(errno, 4711);
}

TEST(Process, FindsItsOwnVariablesOnly)
{
    ::setenv("TARN", "stats", 1);
    ::setenv("TARN_LIMIT", "5m", 1);
    ::setenv("TARNISH", "no", 1);
    ::setenv("NOT_TARN", "no", 1);
    std::array<std::string_view, 16> entries;
    const std::size_t count = own_environment(entries);
    std::vector<std::string_view> seen(entries.begin(), entries.begin() + count);
    std::erase(seen, "TARN_VERBOSE=off"); // what meson starts this test with
    std::ranges::sort(seen);
    EXPECT_EQ(seen, (std::vector<std::string_view>{"TARN=stats", "TARN_LIMIT=5m"}));
    EXPECT_EQ(own_environment(std::span(entries).first(1)), 1U);
}

TEST(Process, FindsTheVariablesItWasStartedWithBeforeLibcHas)
{
    char** const saved = std::exchange(::environ, nullptr);
    std::array<std::string_view, 64> entries;
    const std::size_t count = own_environment(entries);
    ::environ = saved;
    std::vector<std::string> expected;
    std::ifstream passed("/proc/self/environ");
    for (std::string entry; std::getline(passed, entry, '\0');)
        if (entry.starts_with("TARN=") || entry.starts_with("TARN_")) expected.push_back(entry);
    EXPECT_EQ(std::vector<std::string>(entries.begin(), entries.begin() + count), expected);
}

TEST(Process, CanPassABarrierThroughAllThreads)
{
    std::atomic<bool> stop{false};
    std::thread other([&] {
        while (!stop.load())
            yield_processor();
    });
    errno = 4711;
    EXPECT_TRUE(barrier_in_all_threads());
    EXPECT_TRUE(barrier_in_all_threads());
    EXPECT_EQ(errno, 4711);
    stop.store(true);
    other.join();
}

std::vector<std::string> events;

struct LogsItsEnd {
    ~LogsItsEnd() { events.emplace_back("thread_local"); }
};

void log_exit(void* argument)
{
    events.emplace_back(static_cast<const char*>(argument));
}

TEST(Process, CallsTheThreadExitHookOnceAndBehindThreadLocals)
{
    ASSERT_TRUE(set_thread_exit_hook(log_exit));
    static char argument[] = "hook";
    test::in_thread([] {
        static thread_local LogsItsEnd local;
        static_cast<void>(local);
        arm_thread_exit(argument);
        arm_thread_exit(argument);
    });
    EXPECT_EQ(events, (std::vector<std::string>{"thread_local", "hook"}));
    events.clear();
    test::in_thread([] {}); // not armed
    EXPECT_TRUE(events.empty());
}

TEST(Process, MayTakeTheLockOfTheStreamsTwice)
{
    lock_stdio();
    lock_stdio();
    // fflush(NULL) takes it, too: in another thread it has to wait.
    std::atomic<bool> flushed{false};
    std::thread other([&] {
        std::fflush(nullptr);
        flushed.store(true);
    });
    for (int i = 0; i < 1000; ++i)
        yield_processor();
    EXPECT_FALSE(flushed.load());
    unlock_stdio();
    unlock_stdio();
    other.join();
    EXPECT_TRUE(flushed.load());
}

} // namespace

} // namespace tarn::os
