// SPDX-License-Identifier: MIT

#include "tracer/stack_trie.h"

#include <memory>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/support/threads.h"
#include "tracer/arena.h"

namespace tarn {

namespace {

Call call_at(std::uint64_t address, std::uint16_t module = 1)
{
    return {.address = address, .module = module};
}

class StackTrieTest : public testing::Test {
protected:
    static void SetUpTestSuite() { ASSERT_TRUE(arena.initialise()); }

    StackTrie& trie() { return *trie_; }

private:
    std::unique_ptr<StackTrie> trie_ = std::make_unique<StackTrie>(); // too big for a stack
};

TEST_F(StackTrieTest, KnowsEachCallOnce)
{
    const TraceId outer = trie().child(kNoTrace, call_at(0x1000));
    const TraceId inner = trie().child(outer, call_at(0x2000));
    EXPECT_EQ(trie().size(), 2U);
    EXPECT_EQ(trie().child(kNoTrace, call_at(0x1000)), outer);
    EXPECT_EQ(trie().child(outer, call_at(0x2000)), inner);
    EXPECT_EQ(trie().size(), 2U);
    EXPECT_EQ(trie().parent(outer), kNoTrace);
    EXPECT_EQ(trie().parent(inner), outer);
    EXPECT_EQ(trie().call(inner), call_at(0x2000));
}

TEST_F(StackTrieTest, TellsCallsApartByParentAddressAndModule)
{
    constexpr std::uint64_t kHighest = (std::uint64_t{1} << 48U) - 1;
    const TraceId outer = trie().child(kNoTrace, call_at(0x1000));
    const std::set<TraceId> different{outer,
                                      trie().child(outer, call_at(0x1000)),
                                      trie().child(kNoTrace, call_at(0x1001)),
                                      trie().child(kNoTrace, call_at(0x1000, 2)),
                                      trie().child(kNoTrace, call_at(kHighest)),
                                      trie().child(kNoTrace, call_at(kHighest, 0xffff))};
    EXPECT_EQ(different.size(), 6U);
    EXPECT_FALSE(different.contains(kNoTrace));
}

TEST_F(StackTrieTest, KeepsAllWhenItGrows)
{
    constexpr std::uint64_t kWidth = 300;
    std::vector<TraceId> nodes;
    for (std::uint64_t i = 0; i < 100 * kWidth; ++i) { // far beyond the first table and chunk
        const TraceId parent = i < kWidth ? kNoTrace : nodes[i - kWidth];
        nodes.push_back(trie().child(parent, call_at(0x400000 + i % 7)));
    }
    // Of the same parent and address there is one only.
    EXPECT_EQ(trie().size(), std::set<TraceId>(nodes.begin(), nodes.end()).size());
    const std::size_t size = trie().size();
    for (std::uint64_t i = 0; i < nodes.size(); ++i) {
        const TraceId parent = i < kWidth ? kNoTrace : nodes[i - kWidth];
        ASSERT_EQ(trie().child(parent, call_at(0x400000 + i % 7)), nodes[i]);
        ASSERT_EQ(trie().parent(nodes[i]), parent);
    }
    for (std::uint64_t i = 0; i < 20000; ++i)
        ASSERT_EQ(trie().child(kNoTrace, call_at(0x800000 + i)), size + 1 + i);
    for (std::uint64_t i = 0; i < 20000; ++i)
        ASSERT_EQ(trie().child(kNoTrace, call_at(0x800000 + i)), size + 1 + i);
}

TEST_F(StackTrieTest, KnowsEachOfFewChildrenAndOfMany)
{
    const TraceId outer = trie().child(kNoTrace, call_at(0x1000));
    const TraceId beside = trie().child(kNoTrace, call_at(0x2000));
    std::vector<TraceId> children;
    for (std::uint64_t count = 1; count <= 40; ++count) {
        children.push_back(trie().child(outer, call_at(0x3000 + count)));
        EXPECT_EQ(trie().size(), 2 + count);
        for (std::uint64_t i = 0; i < count; ++i)
            ASSERT_EQ(trie().child(outer, call_at(0x3001 + i)), children[i]) << "of " << count;
    }
    EXPECT_EQ(trie().child(beside, call_at(0x3001)), 43U);
}

TEST_F(StackTrieTest, GivesThreadsTheSameNodesForTheSameStacks)
{
    constexpr std::size_t kThreads = 4;
    constexpr std::uint64_t kCalls = 20000;
    for (const std::uint64_t children : {2U, 5U, 300U}) { // of each node
        const auto shared = std::make_unique<StackTrie>();
        std::vector<std::vector<TraceId>> found(kThreads);
        test::in_threads(kThreads, [&](std::size_t number) {
            for (std::uint64_t i = 0; i < kCalls; ++i) {
                const TraceId parent = i < 10 ? kNoTrace : found[number][i / children];
                found[number].push_back(shared->child(parent, call_at(0x1000 + i)));
            }
        });
        for (std::size_t number = 1; number < kThreads; ++number)
            EXPECT_EQ(found[number], found[0]);
        const std::set<TraceId> different(found[0].begin(), found[0].end());
        EXPECT_EQ(different.size(), kCalls);
        EXPECT_EQ(*different.begin(), 1U);
        EXPECT_EQ(*different.rbegin(), kCalls);
        EXPECT_EQ(shared->size(), kCalls);
    }
}

TEST_F(StackTrieTest, KeepsTheTagOfEachNode)
{
    std::vector<TraceId> nodes;
    for (std::uint64_t i = 0; i < 5000; ++i) {
        nodes.push_back(trie().child(kNoTrace, call_at(0x1000 + i)));
        EXPECT_EQ(trie().tag(nodes.back()), 0U);
        trie().set_tag(nodes.back(), static_cast<std::uint32_t>(i * 3 + 1));
    }
    for (std::uint64_t i = 0; i < 5000; ++i)
        ASSERT_EQ(trie().tag(nodes[i]), i * 3 + 1);
}

} // namespace

} // namespace tarn
