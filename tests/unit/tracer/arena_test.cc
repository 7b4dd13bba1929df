// SPDX-License-Identifier: MIT

#include "tracer/arena.h"

#include <algorithm>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "src/base/units.h"
#include "src/os/memory.h"
#include "tests/unit/support/threads.h"

namespace tarn {

namespace {

TEST(ArenaTest, HasNothingUntilItIsInitialised)
{
    Arena arena;
    EXPECT_EQ(arena.take(1), nullptr);
    EXPECT_EQ(arena.used(), 0U);
}

TEST(ArenaTest, HandsOutZeroedPagesOfItsRange)
{
    Arena arena;
    ASSERT_TRUE(arena.initialise());
    const MemoryRange range = arena.range();
    std::size_t used = 0;
    for (const std::size_t size : {std::size_t{1}, os::kPageSize, os::kPageSize + 1, MiB(3)}) {
        auto* const bytes = static_cast<unsigned char*>(arena.take(size));
        ASSERT_NE(bytes, nullptr);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(bytes), range.start + used);
        EXPECT_TRUE(std::all_of(bytes, bytes + size, [](unsigned char byte) { return byte == 0; }));
        std::fill_n(bytes, size, 0xff);
        used += round_up(size, os::kPageSize);
        EXPECT_EQ(arena.used(), used);
    }
    EXPECT_LE(range.start + used, range.end);
}

TEST(ArenaTest, RefusesMoreThanThereIs)
{
    Arena arena;
    ASSERT_TRUE(arena.initialise());
    const MemoryRange range = arena.range();
    EXPECT_EQ(arena.take(range.end - range.start + 1), nullptr);
    EXPECT_EQ(arena.used(), 0U);
    EXPECT_NE(arena.take(1), nullptr) << "less than that there is";
}

TEST(ArenaTest, GivesThreadsDifferentPages)
{
    Arena arena;
    ASSERT_TRUE(arena.initialise());
    std::vector<std::vector<void*>> taken(4);
    test::in_threads(4, [&](std::size_t number) {
        for (int i = 0; i < 500; ++i)
            taken[number].push_back(arena.take(100));
    });
    std::set<void*> different;
    for (const std::vector<void*>& pages : taken)
        different.insert(pages.begin(), pages.end());
    EXPECT_EQ(different.size(), 2000U);
    EXPECT_FALSE(different.contains(nullptr));
    EXPECT_EQ(arena.used(), 2000 * os::kPageSize);
}

} // namespace

} // namespace tarn
