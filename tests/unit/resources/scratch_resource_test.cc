// SPDX-License-Identifier: MIT
#include <sstream>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/scratch_resource.h>

#include "src/base/units.h"
#include "tests/unit/resources/counted.h"
#include "tests/unit/resources/model.h"
#include "tests/unit/support/threads.h"

namespace tarn {

using test::Counted;

RC_GTEST_PROP(ScratchProperty, BlocksAreApartAndKeepTheirContents, (bool checked))
{
    Counted upstream;
    ScratchResource scratch({.keep = KiB(256), .checked = checked}, &upstream);
    test::run_against_model(scratch, *test::any_steps(100'000),
                            {.reset = [&] { scratch.reset(); }});
    scratch.reset();
    RC_ASSERT(scratch.statistics().reserved <= KiB(256));
}

TEST(Scratch, AsksUpstreamForNothingOnceItKnowsTheWork)
{
    Counted upstream;
    ScratchResource scratch({}, &upstream);
    std::uint64_t before = 0;
    for (int round = 0; round < 100; ++round) {
        if (round == 2) before = upstream.statistics().allocations;
        for (const std::size_t bytes : {100U, 2000U, 50'000U, 10U, 4000U})
            static_cast<void>(scratch.allocate(bytes));
        scratch.reset();
    }
    EXPECT_EQ(upstream.statistics().allocations, before);
    EXPECT_EQ(scratch.resets(), 100U);
    EXPECT_GE(scratch.statistics().peak_in_use, 56'110U);
    EXPECT_EQ(scratch.statistics().in_use, 0U);
}

TEST(Scratch, KeepsNoMoreThanItIsTold)
{
    ScratchResource scratch({.keep = KiB(64)});
    static_cast<void>(scratch.allocate(MiB(1)));
    static_cast<void>(scratch.allocate(100));
    scratch.reset();
    EXPECT_LE(scratch.statistics().reserved, KiB(64));
    scratch.release();
    EXPECT_EQ(scratch.statistics().reserved, 0U);
}

TEST(Scratch, NestsByScopes)
{
    ScratchResource scratch;
    auto* const outer = static_cast<int*>(scratch.allocate(sizeof(int)));
    *outer = 42;
    const std::size_t before = scratch.statistics().in_use;
    {
        const ArenaScope scope(scratch.arena());
        static_cast<void>(scratch.allocate(10'000));
    }
    EXPECT_EQ(scratch.statistics().in_use, before);
    EXPECT_EQ(*outer, 42);
}

TEST(ScratchRegistry, FindsByName)
{
    ScratchRegistry registry;
    EXPECT_EQ(registry.find("parser"), nullptr);
    ScratchResource& parser = registry.get("parser", ScratchOptions::large());
    EXPECT_EQ(&registry.get(std::string("parser")), &parser);
    EXPECT_NE(&registry.get("network"), &parser);
    EXPECT_STREQ(parser.name(), "parser");
    static_cast<void>(parser.allocate(100, 1));
    EXPECT_EQ(registry.statistics()[0].statistics.allocations, 1U);
    registry.reset_all();
    EXPECT_EQ(parser.resets(), 1U);
    EXPECT_EQ(registry.statistics()[1].name, "network");
    EXPECT_EQ(&scratch_registry(), &scratch_registry());
}

TEST(ScratchRegistry, ServesThreadsAtOnce)
{
    ScratchRegistry registry;
    std::array<ScratchResource*, 4> found{};
    test::in_threads(4, [&](std::size_t thread) {
        found[thread] = &registry.get("shared");
        static_cast<void>(registry.get(std::to_string(thread)).allocate(100));
    });
    for (ScratchResource* const scratch : found)
        EXPECT_EQ(scratch, found[0]);
    EXPECT_EQ(registry.statistics().size(), 5U);
}

TEST(ThreadScratch, IsOneForEachThread)
{
    ScratchResource* other = nullptr;
    test::in_thread([&] {
        other = &thread_scratch();
        static_cast<void>(other->allocate(100));
    });
    EXPECT_NE(other, &thread_scratch());
    EXPECT_EQ(&thread_scratch(), &thread_scratch());
}

TEST(ScratchRegistry, EntriesAreTextAndJson)
{
    const ScratchRegistry::Entry entry{
        .name = "\"parse\"", .statistics = {.allocations = 3}, .resets = 2};
    std::ostringstream text;
    text << entry;
    EXPECT_TRUE(text.str().starts_with("\"parse\": resets 2, allocations 3, ")) << text.str();
    EXPECT_TRUE(
        to_json(entry).starts_with(R"({"name":"\"parse\"","resets":2,"blocks":{"allocations":3,)"))
        << to_json(entry);
}

} // namespace tarn
