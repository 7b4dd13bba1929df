// SPDX-License-Identifier: MIT
#include <optional>
#include <sstream>

#include <gtest/gtest.h>

#include <tarn/phase_arena.h>

#include "src/base/units.h"
#include "tests/unit/resources/counted.h"
#include "tests/unit/resources/gap.h"

namespace tarn {

TEST(PhaseArena, TakesEverythingBackAtTheEndOfAPhase)
{
    test::Counted upstream;
    PhaseArena arena({}, &upstream);
    for (int unit = 0; unit < 10; ++unit) {
        const PhaseArena::Phase phase(arena, "parse");
        for (int node = 0; node < 1000; ++node)
            static_cast<void>(arena.resource().allocate(200));
    }
    EXPECT_EQ(arena.resource().statistics().in_use, 0U);
    EXPECT_EQ(upstream.statistics().allocations, 4U) << "64 + 128 + 256 KiB, then one for all";
}

TEST(PhaseArena, KeepsNoMoreThanItIsTold)
{
    PhaseArena arena({.keep = KiB(64)});
    {
        const PhaseArena::Phase phase(arena, "once");
        for (int node = 0; node < 1000; ++node)
            static_cast<void>(arena.resource().allocate(200));
    }
    EXPECT_EQ(arena.resource().capacity(), KiB(64));
}

TEST(PhaseArena, NestsAndLeavesWhatWasBefore)
{
    PhaseArena arena;
    auto* const outside = static_cast<int*>(arena.resource().allocate(4, 4));
    *outside = 42;
    {
        const PhaseArena::Phase outer(arena, "outer");
        static_cast<void>(arena.resource().allocate(100, 4));
        {
            const PhaseArena::Phase inner(arena, "inner");
            static_cast<void>(arena.resource().allocate(KiB(1), 4));
        }
    }
    EXPECT_EQ(arena.resource().statistics().in_use, 4U + test::gap());
    EXPECT_EQ(*outside, 42);
}

TEST(PhaseArena, CountsByName)
{
    PhaseArena arena;
    for (const std::size_t bytes : {100U, 300U, 200U}) {
        const PhaseArena::Phase phase(arena, "parse");
        static_cast<void>(arena.resource().allocate(bytes, 1));
    }
    {
        const PhaseArena::Phase phase(arena, "lower");
    }
    ASSERT_EQ(arena.phases().size(), 2U);
    const PhaseStatistics& parse = arena.phases()[0];
    EXPECT_STREQ(parse.name, "parse");
    EXPECT_EQ(parse.count, 3U);
    EXPECT_EQ(parse.allocations, 3U);
    EXPECT_EQ(parse.bytes, 600U + 3 * test::gap());
    EXPECT_EQ(parse.most_bytes, 300U + test::gap());
    EXPECT_EQ(arena.phases()[1].bytes, 0U);
}

TEST(PhaseArenaDeathTest, EndsPhasesInReverseOrder)
{
    EXPECT_DEATH(
        {
            PhaseArena arena;
            std::optional<PhaseArena::Phase> outer(std::in_place, arena, "outer");
            const PhaseArena::Phase inner(arena, "inner");
            outer.reset();
        },
        "given back out of order in resource 'phases'");
}

TEST(PhaseStatistics, AreTextAndJson)
{
    const PhaseStatistics phase{.name = "\"parse\"",
                                .count = 5,
                                .allocations = 4,
                                .bytes = 3,
                                .most_bytes = 2,
                                .duration = std::chrono::nanoseconds(1)};
    std::ostringstream text;
    text << phase;
    EXPECT_EQ(text.str(),
              "\"parse\": count 5, allocations 4, bytes 3, most_bytes 2, duration_ns 1");
    EXPECT_EQ(to_json(phase), R"({"name":"\"parse\"","count":5,"allocations":4,"bytes":3,)"
                              R"("most_bytes":2,"duration_ns":1})");
}

} // namespace tarn
