// SPDX-License-Identifier: MIT
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/process_arena.h>

#include "tests/unit/resources/model.h"
#include "tests/unit/support/threads.h"

namespace tarn {

namespace {

/// Ends after the test program has returned from main().
struct UsedAtTheEnd {
    ~UsedAtTheEnd() { process_arena().dup("still there"); }
} used_at_the_end;

} // namespace

RC_GTEST_PROP(ProcessArenaProperty, BlocksAreApartAndKeepTheirContents, ())
{
    ProcessArena arena;
    test::run_against_model(arena, *test::any_steps());
}

TEST(ProcessArena, IsOneForAll)
{
    EXPECT_EQ(&process_arena(), &process_arena());
    EXPECT_EQ(process_arena().dup("name"), "name");
    EXPECT_EQ(*process_arena().make<int>(7), 7);
}

TEST(ProcessArena, ServesThreadsAtOnce)
{
    ProcessArena arena;
    std::set<const char*> addresses[4];
    test::in_threads(4, [&](std::size_t thread) {
        for (int i = 0; i < 1000; ++i) {
            const std::string text = std::to_string(thread) + " " + std::to_string(i);
            const std::string_view copy = arena.dup(text);
            ASSERT_EQ(copy, text);
            addresses[thread].insert(copy.data());
        }
    });
    for (int thread = 1; thread < 4; ++thread)
        addresses[0].merge(addresses[thread]);
    EXPECT_EQ(addresses[0].size(), 4000U);
    EXPECT_EQ(arena.statistics().allocations, 4000U);
}

} // namespace tarn
