// SPDX-License-Identifier: MIT

#include "tracer/tags.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/support/threads.h"
#include "tracer/arena.h"
#include "tracer/sites.h"

namespace tarn {

namespace {

void run_at_once(void (*action)())
{
    action();
}

void refuse_to_run(void (*)()) {}

class TagsTest : public testing::Test {
protected:
    static void SetUpTestSuite() { ASSERT_TRUE(arena.initialise()); }
};

TEST_F(TagsTest, PathsAreNamesWithColonsBetween)
{
    EXPECT_TRUE(TagTable::is_path("render"));
    EXPECT_TRUE(TagTable::is_path("render::textures"));
    EXPECT_TRUE(TagTable::is_path("a:b::c d"));
    EXPECT_TRUE(TagTable::is_path("\xC3\xA4"));
    EXPECT_TRUE(TagTable::is_path(std::string(kMostTagPath, 'x')));
    EXPECT_FALSE(TagTable::is_path(std::string(kMostTagPath + 1, 'x')));
    for (const char* const wrong : {"", "::", "a::", "::a", "a::::b", "a\nb", "\x7F"})
        EXPECT_FALSE(TagTable::is_path(wrong)) << wrong;
}

TEST_F(TagsTest, AreMadeWithThoseOutsideThem)
{
    EXPECT_EQ(tag_table.find("made::inside::both"), kNoTag);
    const TagId inner = tag_table.add("made::inside::both");
    ASSERT_NE(inner, kNoTag);
    const TagId middle = tag_table.find("made::inside");
    const TagId outer = tag_table.find("made");
    EXPECT_EQ(tag_table[inner].outer, middle);
    EXPECT_EQ(tag_table[middle].outer, outer);
    EXPECT_EQ(tag_table[outer].outer, kNoTag);
    EXPECT_EQ(tag_table[middle].path(), "made::inside");
    const std::size_t before = tag_table.size();
    EXPECT_EQ(tag_table.add("made::inside::both"), inner);
    EXPECT_EQ(tag_table.add("made"), outer);
    EXPECT_EQ(tag_table.add("made::"), kNoTag);
    EXPECT_EQ(tag_table.size(), before);
}

TEST_F(TagsTest, StacksAreFoundToHaveThem)
{
    const TagId tag = tag_table.add("of a stack");
    const TraceId root = tag_table[tag].node;
    const TraceId outermost = stack_trie.child(root, {.address = 0x1234, .module = 1});
    const TraceId inner = stack_trie.child(outermost, {.address = 0x5678, .module = 1});
    EXPECT_EQ(tag_of(inner), tag);
    EXPECT_EQ(tag_of(outermost), tag);
    EXPECT_EQ(stack_trie.caller(inner), outermost);
    EXPECT_EQ(stack_trie.caller(outermost), kNoTrace);
    EXPECT_EQ(tag_of(kNoTrace), kNoTag);
    EXPECT_EQ(tag_of(stack_trie.child(kNoTrace, {.address = 0x1234, .module = 1})), kNoTag);
    EXPECT_EQ(site_table.find(inner)->tag, tag);
}

TEST_F(TagsTest, CountWhatIsInUseInsideThem)
{
    const TagId inner = tag_table.add("counted::inner");
    const TagId outer = tag_table.find("counted");
    tag_table.allocated(outer, 100, true);
    tag_table.allocated(inner, 50, true);
    tag_table.freed(outer, 100, true);
    tag_table.allocated(inner, 20, false);
    EXPECT_EQ(tag_table[inner].live_bytes.get(), 70U);
    EXPECT_EQ(tag_table[outer].live_bytes.get(), 70U);
    EXPECT_EQ(tag_table[inner].peak_bytes.get(), 70U);
    EXPECT_EQ(tag_table[outer].peak_bytes.get(), 150U);
}

TEST_F(TagsTest, BudgetsAreExceededOnceForEachTime)
{
    ASSERT_TRUE(set_tag_budget("limited", 100, run_at_once));
    const TagId id = tag_table.find("limited");
    const Tag& tag = tag_table[id];
    tag_table.allocated(id, 100, true);
    EXPECT_EQ(tag.excesses.get(), 0U) << "as much as it is";
    tag_table.allocated(id, 1, true);
    tag_table.allocated(id, 1, true);
    EXPECT_EQ(tag.excesses.get(), 1U);
    tag_table.freed(id, 50, true);
    tag_table.allocated(id, 60, true);
    EXPECT_EQ(tag.excesses.get(), 2U);
    EXPECT_NE(tag.first_excess.load(), 0U);
    ASSERT_TRUE(set_tag_budget("limited", Tag::kNoBudget, run_at_once));
    tag_table.freed(id, 50, true);
    tag_table.allocated(id, 60, true);
    EXPECT_EQ(tag.excesses.get(), 2U);
    ASSERT_TRUE(set_tag_budget("limited", 10, run_at_once));
    EXPECT_EQ(tag.excesses.get(), 3U) << "it is at once";
    EXPECT_FALSE(set_tag_budget("not::", 10, run_at_once));
}

TEST_F(TagsTest, ThreadsAddEachOnceTogether)
{
    constexpr std::size_t kThreads = 4;
    constexpr int kTags = 300;
    const std::size_t before = tag_table.size();
    test::in_threads(kThreads, [&](std::size_t) {
        for (int i = 0; i < kTags; ++i)
            EXPECT_NE(tag_table.add("together" + std::to_string(i)), kNoTag);
    });
    EXPECT_EQ(tag_table.size(), before + kTags);
}

TEST_F(TagsTest, EachPushNeedsAPopWhateverCameOfIt)
{
    EXPECT_FALSE(pop_tag());
    EXPECT_TRUE(push_tag("pushed", run_at_once));
    EXPECT_FALSE(push_tag("", run_at_once));
    EXPECT_FALSE(push_tag("new", refuse_to_run)) << "inside malloc";
    EXPECT_TRUE(push_tag("known", run_at_once));
    EXPECT_NE(tag_table.find("pushed::known"), kNoTag);
    EXPECT_EQ(tag_table.find("pushed::new"), kNoTag);
    for (int i = 0; i < 4; ++i)
        EXPECT_TRUE(pop_tag());
    EXPECT_FALSE(pop_tag());
}

} // namespace

} // namespace tarn
