// SPDX-License-Identifier: MIT

#include "src/heap/chunk.h"

#include <array>

#include <gtest/gtest.h>

#include "tests/unit/support/random.h"

namespace tarn {

namespace {

/// The same set, one bool a granule, every question answered by looking.
struct Model {
    std::array<bool, kChunkGranules> has{};

    std::size_t run_length(std::size_t first) const
    {
        std::size_t length = 0;
        while (first + length < kChunkGranules && has[first + length])
            ++length;
        return length;
    }
};

GranuleSet set_of(const Model& model)
{
    GranuleSet set;
    for (std::size_t i = 0; i < kChunkGranules; ++i)
        if (model.has[i]) set = set | GranuleSet::range(i, 1);
    return set;
}

bool contains(GranuleSet set, std::size_t granule)
{
    return !(set & GranuleSet::range(granule, 1)).empty();
}

/// Sets of every density: runs of random length, alternating.
Model random_model(test::Random& random)
{
    Model model;
    const std::size_t longest = 1 + random.size_up_to(kChunkGranules);
    bool has = random.one_in(2);
    for (std::size_t at = 0; at < kChunkGranules; has = !has)
        for (std::size_t left = 1 + random.below(longest); left > 0 && at < kChunkGranules; --left)
            model.has[at++] = has;
    return model;
}

template <class Check> void for_random_models(Check check)
{
    test::Random random;
    for (int i = 0; i < 400; ++i)
        check(random_model(random));
    Model all;
    all.has.fill(true);
    check(all);
    check(Model{});
}

TEST(GranuleSet, CountsAndFindsItsFirstAsTheModelDoes)
{
    for_random_models([](const Model& model) {
        const GranuleSet set = set_of(model);
        const auto count = static_cast<std::size_t>(std::ranges::count(model.has, true));
        ASSERT_EQ(set.count(), count);
        ASSERT_EQ(set.empty(), count == 0);
        const auto first = std::ranges::find(model.has, true) - model.has.begin();
        if (count != 0) {
            ASSERT_EQ(set.first(), static_cast<std::size_t>(first));
        }
    });
}

TEST(GranuleSet, MeasuresRunsAsTheModelDoes)
{
    for_random_models([](const Model& model) {
        const GranuleSet set = set_of(model);
        std::size_t longest = 0;
        for (std::size_t i = 0; i < kChunkGranules; ++i) {
            const std::size_t length = model.run_length(i);
            longest = std::max(longest, length);
            if (length != 0) {
                ASSERT_EQ(set.run_length(i), length);
            }
        }
        ASSERT_EQ(set.longest_run(), longest);
    });
}

TEST(GranuleSet, FindsTheStartsOfRunsAsTheModelDoes)
{
    for_random_models([](const Model& model) {
        const GranuleSet set = set_of(model);
        for (std::size_t count = 1; count <= kChunkGranules; ++count) {
            const GranuleSet starts = set.run_starts(count);
            for (std::size_t i = 0; i < kChunkGranules; ++i)
                ASSERT_EQ(contains(starts, i), model.run_length(i) >= count)
                    << count << " at " << i;
        }
    });
}

TEST(GranuleSet, MakesRangesOfEveryLength)
{
    for (std::size_t first = 0; first < kChunkGranules; ++first) {
        for (std::size_t count = 0; first + count <= kChunkGranules; ++count) {
            const GranuleSet range = GranuleSet::range(first, count);
            ASSERT_EQ(range.count(), count);
            if (count != 0) {
                ASSERT_EQ(range.first(), first);
                ASSERT_EQ(range.run_length(first), count);
            }
        }
    }
    EXPECT_EQ(GranuleSet::range(0, kChunkGranules), GranuleSet::all());
}

TEST(GranuleSet, JoinsMeetsAndSubtracts)
{
    test::Random random;
    for (int i = 0; i < 200; ++i) {
        const Model a = random_model(random);
        const Model b = random_model(random);
        const GranuleSet joined = set_of(a) | set_of(b);
        const GranuleSet common = set_of(a) & set_of(b);
        const GranuleSet rest = set_of(a) - set_of(b);
        for (std::size_t at = 0; at < kChunkGranules; ++at) {
            ASSERT_EQ(contains(joined, at), a.has[at] || b.has[at]);
            ASSERT_EQ(contains(common, at), a.has[at] && b.has[at]);
            ASSERT_EQ(contains(rest, at), a.has[at] && !b.has[at]);
        }
    }
}

} // namespace

} // namespace tarn
