// SPDX-License-Identifier: MIT
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <tarn/recommend.h>

#include "src/base/units.h"

namespace tarn {

namespace {

using Content = Use::Content;
using Lifetime = Use::Lifetime;
using Frees = Use::Frees;
using Threads = Use::Threads;

struct Leaf {
    Use use;
    std::string_view type;
    std::string_view options = "";
    std::string_view advice = "";
};

// In the order of the table, one for each of its rules at least.
const std::vector<Leaf> kLeaves{
    {{.lifetime = Lifetime::turn, .is_debugging = true}, "DebugResource"},
    {{.content = Content::stream, .threads = Threads::handed_over}, "SpscRing<T>", "", "handback"},
    {{.content = Content::stream, .threads = Threads::shared}, "Handover<T>", "", "handback"},
    {{.content = Content::stream}, "RingBuffer", "RingOptions::network()"},
    {{.content = Content::jobs, .threads = Threads::shared}, "WorkStealingDeque<T>"},
    {{.content = Content::file, .threads = Threads::shared},
     "SynchronizedResource",
     "over a MappedArena"},
    {{.content = Content::file}, "MappedArena"},
    {{.content = Content::assets, .threads = Threads::shared}, "AssetCache"},
    {{.content = Content::columns, .lifetime = Lifetime::turn}, "Soa<Types...>"},
    {{.content = Content::named}, "HandleTable<T>", "", "pool"},
    {{.content = Content::growing}, "MmapResource", "", "reserve"},
    {{.content = Content::growing, .largest = KiB(16)}, "BoundedFrameVector<T>", "", "reserve"},
    {{.content = Content::growing, .largest = KiB(16) + 1}, "MmapResource", "", "reserve"},
    {{.content = Content::buffers, .threads = Threads::shared},
     "SynchronizedResource",
     "over a BufferPool",
     "pool"},
    {{.content = Content::buffers}, "BufferPool", "", "pool"},
    {{.lifetime = Lifetime::part, .smallest = KiB(8) + 1}, "GroupResource", "", "arena"},
    {{.lifetime = Lifetime::part, .threads = Threads::shared, .smallest = MiB(1)},
     "GroupResource",
     "",
     "arena"},
    {{.smallest = MiB(1)}, "PageResource"},
    {{.lifetime = Lifetime::process, .threads = Threads::shared}, "process_arena()", "", "arena"},
    {{.lifetime = Lifetime::turn}, "FrameAllocator", "", "arena"},
    {{.lifetime = Lifetime::phase}, "PhaseArena", "", "arena"},
    {{.lifetime = Lifetime::scope, .largest = 1024, .count = 16},
     "FixedBufferResource",
     "over an array on the stack",
     "buffer"},
    {{.lifetime = Lifetime::scope, .largest = 1024, .count = 17},
     "StackFallbackResource<N>",
     "",
     "buffer"},
    {{.lifetime = Lifetime::scope, .largest = KiB(16)}, "StackFallbackResource<N>", "", "buffer"},
    {{.lifetime = Lifetime::scope, .largest = KiB(16) + 1},
     "ArenaScope",
     "over the arena of thread_scratch()",
     "arena"},
    {{.lifetime = Lifetime::scope}, "ArenaScope", "over the arena of thread_scratch()", "arena"},
    {{.frees = Frees::reverse}, "StackResource", "", "arena"},
    {{.frees = Frees::together, .threads = Threads::shared},
     "SynchronizedResource",
     "over an ArenaResource",
     "arena"},
    {{.frees = Frees::together}, "ArenaResource", "", "arena"},
    {{.lifetime = Lifetime::part, .frees = Frees::together}, "ArenaResource", "", "arena"},
    {{.lifetime = Lifetime::part}, "HeapResource"},
    {{.lifetime = Lifetime::part, .threads = Threads::shared, .largest = 64}, "HeapResource"},
    {{.content = Content::one_type, .lifetime = Lifetime::part}, "ObjectPool<T>", "", "pool"},
    {{.threads = Threads::shared, .largest = KiB(8)}, "ThreadCachedPool", "", "pool"},
    {{.content = Content::one_type, .threads = Threads::handed_over, .largest = 64},
     "ThreadCachedPool",
     "",
     "handback"},
    {{.threads = Threads::handed_over, .largest = KiB(8) + 1}, "Handover<T>", "", "handback"},
    {{.content = Content::one_type}, "ObjectPool<T>", "", "pool"},
    {{.smallest = 80, .largest = 100}, "FixedPoolResource", "{.block_size = largest}", "pool"},
    {{.smallest = 79, .largest = 100}, "SlabResource", "", "pool"},
    {{.largest = KiB(8)}, "SlabResource", "", "pool"},
    {{.largest = KiB(8) + 1}, "malloc_resource()"},
    {{.threads = Threads::shared, .largest = KiB(8) + 1}, "malloc_resource()"},
    {{}, "malloc_resource()"},
};

// Which rule it was.
std::size_t rule_for(const Use& use)
{
    const std::string_view reason = recommend(use).reason;
    for (std::size_t rule = 0; rule < detail::kUseRules.size(); ++rule)
        if (detail::kUseRules[rule].recommendation.reason == reason) return rule;
    return detail::kUseRules.size();
}

// "FixedPoolResource", "ObjectPool<T>" or "malloc_resource()", as a header declares it.
bool declares(const std::string& text, std::string_view type)
{
    const std::string name(type.substr(0, type.find_first_of("<(")));
    const auto has = [&text](const std::string& part) { return text.find(part) != text.npos; };
    if (type.ends_with("()")) return has(name + "() noexcept") || has(name + "();");
    for (const std::string before : {"class ", "struct ", "class TARN_API "})
        for (const std::string after : {" {", " final", " :"})
            if (has(before + name + after)) return true;
    return false;
}

} // namespace

static_assert(recommend({.frees = Use::Frees::together}).reason != nullptr, "when compiled, too");

TEST(Recommend, GivesWhatEachLeafSays)
{
    for (const Leaf& leaf : kLeaves) {
        const Recommendation what = recommend(leaf.use);
        EXPECT_EQ(what.type, leaf.type) << &leaf - kLeaves.data();
        EXPECT_EQ(what.options, leaf.options) << what.type;
        EXPECT_EQ(what.advice, leaf.advice) << what.type;
    }
}

TEST(Recommend, HasALeafForEachRule)
{
    std::set<std::size_t> reached;
    for (const Leaf& leaf : kLeaves)
        reached.insert(rule_for(leaf.use));
    EXPECT_EQ(reached.size(), detail::kUseRules.size());
}

TEST(Recommend, SaysWhyInWordsOfItsOwn)
{
    std::set<std::string> reasons;
    for (const detail::UseRule& rule : detail::kUseRules)
        reasons.insert(rule.recommendation.reason);
    EXPECT_EQ(reasons.size(), detail::kUseRules.size());
}

TEST(Recommend, NamesTypesThatTheirHeadersDeclare)
{
    const char* const directory = std::getenv("PUBLIC_HEADERS");
    ASSERT_NE(directory, nullptr) << "PUBLIC_HEADERS is to name src/include";
    for (const detail::UseRule& rule : detail::kUseRules) {
        const Recommendation& what = rule.recommendation;
        const std::string header = what.header;
        ASSERT_TRUE(header.starts_with("<tarn/") && header.ends_with(">")) << header;
        std::ifstream file(directory + ("/" + header.substr(1, header.size() - 2)));
        ASSERT_TRUE(file) << header;
        const std::string text{std::istreambuf_iterator(file), {}};
        EXPECT_TRUE(declares(text, what.type)) << what.type << " in " << header;
    }
}

// Resources for one thread at a time are wrong for several, whatever else is said.
TEST(Recommend, KnowsWhatSeveralThreadsMayUse)
{
    const std::set<std::string_view> for_one{"FixedBufferResource", "StackFallbackResource<N>",
                                             "ArenaScope",          "StackResource",
                                             "ArenaResource",       "FixedPoolResource",
                                             "ObjectPool<T>",       "SlabResource",
                                             "PhaseArena",          "BufferPool",
                                             "RingBuffer",          "SpscRing<T>",
                                             "MappedArena",         "HandleTable<T>"};
    for (const std::size_t largest : {std::size_t{0}, std::size_t{64}, KiB(64), MiB(2)})
        for (int number = 0; number < 10 * 6 * 3; ++number) {
            const Use use{.content = static_cast<Content>(number % 10),
                          .lifetime = static_cast<Lifetime>(number / 10 % 6),
                          .frees = static_cast<Frees>(number / 60),
                          .threads = Threads::shared,
                          .smallest = largest,
                          .largest = largest};
            EXPECT_EQ(for_one.count(recommend(use).type), 0U) << number << ' ' << largest;
        }
}

TEST(Recommend, CanBePrinted)
{
    std::ostringstream out;
    out << recommend({.frees = Frees::together, .threads = Threads::shared});
    EXPECT_EQ(out.str(), "SynchronizedResource over an ArenaResource from "
                         "<tarn/synchronized_resource.h>: one step frees all, and a lock around a "
                         "few instructions is short");
}

} // namespace tarn
