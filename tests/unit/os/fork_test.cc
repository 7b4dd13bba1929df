// SPDX-License-Identifier: MIT

#include "src/os/fork.h"

#include <pthread.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace tarn::os {

namespace {

int before_forks = 0;
int parent_hooks = 0;
int child_hooks = 0;

TEST(Fork, RunsTheHooksAroundEachFork)
{
    add_fork_hooks({[] { ++before_forks; }, [] { ++parent_hooks; }, [] { ++child_hooks; }});
    for (int round = 1; round <= 2; ++round) {
        const pid_t child = ::fork();
        if (child == 0)
            ::_exit(before_forks == round && parent_hooks == round - 1 ? child_hooks : 9);
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFEXITED(status));
        EXPECT_EQ(WEXITSTATUS(status), 1);
        EXPECT_EQ(before_forks, round);
        EXPECT_EQ(parent_hooks, round);
        EXPECT_EQ(child_hooks, 0);
    }
}

std::string order;

TEST(Fork, OfACopyRunsOursOnlyAndInTheOrderOfPosix)
{
    ::pthread_atfork([] { order += "theirs"; }, nullptr, nullptr);
    add_fork_hooks({[] { order += "1"; }, [] { order += "p1"; }, [] { order += "c1"; }});
    add_fork_hooks({[] { order += "2"; }, [] { order += "p2"; }, [] { order += "c2"; }});
    const StartedCopy copy = start_copy_with_hooks();
    if (copy.process == 0) ::_exit(order == "21c1c2" ? 0 : 1);
    EXPECT_EQ(::waitpid(-1, nullptr, 0), -1) << "the program has no child";
    EXPECT_EQ(wait_for_copy(copy), 0);
    EXPECT_EQ(order, "21p1p2");
}

} // namespace

} // namespace tarn::os
