// SPDX-License-Identifier: MIT
#include <memory_resource>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <tarn/heap_resource.h>
#include <tarn/phase_arena.h>
#include <tarn/process_arena.h>
#include <tarn/slab_resource.h>
#include <tarn/strategy.h>

#include "src/base/units.h"

namespace tarn {

namespace {

using Content = Use::Content;
using Lifetime = Use::Lifetime;
using Frees = Use::Frees;
using Threads = Use::Threads;

constexpr const char* kText = "a text that is longer than what a string holds itself";

} // namespace

TEST(Strategy, EachRowIsReachedAndTheFirstCounts)
{
    SlabResource any;
    StrategyManager manager({
        {.name = "text of a process", .content = Content::mixed, .lifetime = Lifetime::process},
        {.name = "process", .lifetime = Lifetime::process, .resource = &any},
        {.name = "reverse", .frees = Frees::reverse, .resource = &any},
        {.name = "shared", .threads = Threads::shared},
        {.name = "small", .largest = 100, .resource = &any},
        {.name = "large", .smallest = 1000},
        {.name = "stream in phases", .content = Content::stream, .lifetime = Lifetime::phase},
    });
    const std::vector<std::pair<Use, std::string>> leaves{
        {{.lifetime = Lifetime::process}, "text of a process"},
        {{.content = Content::buffers, .lifetime = Lifetime::process}, "process"},
        {{.frees = Frees::reverse, .threads = Threads::shared}, "reverse"},
        {{.threads = Threads::shared}, "shared"},
        {{.largest = 100}, "small"},
        {{.largest = 101}, "otherwise"},
        {{.smallest = 1000}, "large"},
        {{.smallest = 999}, "otherwise"},
        {{.content = Content::stream, .lifetime = Lifetime::phase}, "stream in phases"},
        {{.content = Content::stream}, "otherwise"},
        {{.lifetime = Lifetime::phase}, "otherwise"},
        {{}, "otherwise"},
    };
    for (const auto& [use, name] : leaves)
        EXPECT_EQ(manager.name_for(use), name);
    EXPECT_EQ(manager.resource_for({.largest = 10}).upstream(), &any);
    EXPECT_EQ(manager.resource_for({}).upstream(), malloc_resource());
}

// The table of an interpreter: names are the process's, what a compiler needs is its phase's, and
// texts at run time may be freed at any time.
TEST(Strategy, BlocksGoBackToWhereTheyCameFrom)
{
    PhaseArena compiler;
    StrategyManager memory(
        {{.name = "names", .lifetime = Lifetime::process, .resource = &process_arena()},
         {.name = "compiler", .lifetime = Lifetime::phase, .resource = &compiler.resource()}});
    const auto name = memory.make<std::pmr::string>({.lifetime = Lifetime::process}, kText);
    const auto error = memory.make<std::pmr::string>({.lifetime = Lifetime::phase}, kText);
    {
        const auto text = memory.make<std::pmr::string>({}, kText);
        EXPECT_TRUE(process_arena().owns(name->data()));
        EXPECT_TRUE(compiler.resource().owns(error->data()));
        EXPECT_EQ(memory.owner_of(error->data()),
                  &memory.resource_for({.lifetime = Lifetime::phase}));
        EXPECT_EQ(memory.owner_of(text->data()), nullptr) << "malloc does not know its blocks";
        EXPECT_GT(memory.statistics()[2].blocks.in_use, std::string(kText).size());
    }
    const std::vector<StrategyStatistics> all = memory.statistics();
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0].blocks.allocations, 2U);
    EXPECT_EQ(all[0].uses, 1U);
    EXPECT_EQ(all[1].uses, 2U);
    EXPECT_EQ(all[2].blocks.in_use, 0U);
    EXPECT_EQ(all[2].blocks.deallocations, 2U);
    std::ostringstream out;
    out << all;
    EXPECT_TRUE(out.str().starts_with("names: uses 1, allocations 2, ")) << out.str();
    EXPECT_TRUE(
        to_json(all).starts_with(R"([{"name":"names","uses":1,"blocks":{"allocations":2,)"));
}

// What a plugin leaves goes with its heap.
TEST(Strategy, APartOfAProgramHasAHeap)
{
    HeapResource plugin;
    StrategyManager memory({{.name = "plugin", .lifetime = Lifetime::part, .resource = &plugin}});
    const Use use{.lifetime = Lifetime::part, .threads = Threads::shared};
    EXPECT_STREQ(recommend(use).type, "HeapResource");
    void* const left = memory.resource_for(use).allocate(100);
    EXPECT_EQ(memory.owner_of(left), &memory.resource_for(use));
    EXPECT_TRUE(plugin.owns(left));
}

// A name is a text of the program, and may have anything in it.
TEST(Strategy, NamesAreValidInJson)
{
    const StrategyManager memory({{.name = "\"a\\b\"\n\xff"}});
    const std::string json = to_json(memory.statistics());
    EXPECT_TRUE(json.starts_with("[{\"name\":\"\\\"a\\\\b\\\"\\u000a\uFFFD\",\"uses\":0,")) << json;
}

TEST(Strategy, ThreadsShareATable)
{
    ThreadCachedPool pool;
    StrategyManager memory(StrategyManager::for_threads(pool));
    EXPECT_STREQ(memory.name_for({.lifetime = Lifetime::process}), "process");
    EXPECT_STREQ(memory.name_for({.largest = KiB(8)}), "small");
    EXPECT_STREQ(memory.name_for({.smallest = MiB(1)}), "pages");
    EXPECT_STREQ(memory.name_for({}), "otherwise");
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int round = 0; round < 1000; ++round)
                memory.make<std::pmr::string>({.threads = Threads::shared, .largest = 64}, kText);
        });
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(memory.statistics()[1].blocks.allocations, 8000U);
    EXPECT_EQ(memory.statistics()[1].blocks.in_use, 0U);
}

} // namespace tarn
