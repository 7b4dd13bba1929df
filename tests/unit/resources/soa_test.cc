// SPDX-License-Identifier: MIT
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/arena_resource.h>
#include <tarn/owned.h>
#include <tarn/soa.h>

#include "tests/unit/resources/counted.h"
#include "tests/unit/resources/model.h"
#include "tests/unit/support/contents.h"

namespace tarn {

using test::Counted;

RC_GTEST_PROP(SoaProperty, HoldsWhatAVectorOfRowsHolds, (const std::vector<int>& numbers))
{
    Counted resource;
    Soa<char, int, std::string> rows(resource, 50);
    std::vector<int> model;
    for (const int number : numbers) {
        if (number % 3 == 0 && !model.empty()) {
            const std::size_t which = static_cast<unsigned>(number) % model.size();
            rows.swap_remove(which);
            model[which] = model.back();
            model.pop_back();
        } else if (rows.push_back(static_cast<char>(number), number, std::to_string(number))) {
            model.push_back(number);
        } else {
            RC_ASSERT(model.size() == 50U);
        }
    }
    RC_ASSERT(rows.size() == model.size());
    for (std::size_t i = 0; i < model.size(); ++i) {
        RC_ASSERT(rows.column<0>()[i] == static_cast<char>(model[i]));
        RC_ASSERT(rows.column<1>()[i] == model[i]);
        RC_ASSERT(std::get<2>(rows[i]) == std::to_string(model[i]));
    }
}

TEST(Soa, PutsColumnsAtCacheLines)
{
    struct alignas(128) Wide {
        double value;
    };
    Counted resource;
    Soa<char, short, Wide> rows(resource, 3);
    ASSERT_TRUE(rows.push_back('a', short{1}, Wide{2}));
    EXPECT_TRUE(test::is_aligned(rows.column<0>().data(), 64));
    EXPECT_TRUE(test::is_aligned(rows.column<1>().data(), 64));
    EXPECT_TRUE(test::is_aligned(rows.column<2>().data(), 128));
    EXPECT_EQ(resource.statistics().allocations, 1U);
}

TEST(Soa, GivesBackWhatDidNotFit)
{
    Counted resource;
    Soa<std::unique_ptr<int>> rows(resource, 1);
    ASSERT_TRUE(rows.push_back(std::make_unique<int>(1)));
    EXPECT_FALSE(rows.push_back(std::make_unique<int>(2)));
    Soa<std::unique_ptr<int>> moved = std::move(rows);
    EXPECT_EQ(*moved.column<0>()[0], 1);
}

TEST(Soa, RefusesWhatCannotBe)
{
    EXPECT_THROW(
        (Soa<int, double>(*malloc_resource(), std::numeric_limits<std::size_t>::max() / 2)),
        std::bad_array_new_length);
    Soa<int> empty(*malloc_resource(), 0);
    EXPECT_FALSE(empty.push_back(1));
}

TEST(Owned, GoesBackToItsOwner)
{
    Counted resource;
    ArenaResource arena;
    {
        Owned<std::pmr::string> text = make_owned<std::pmr::string>(resource, 100, 'x');
        EXPECT_EQ(text->get_allocator().resource(), &resource);
        EXPECT_EQ(text.get_deleter().owner(), &resource);
        const Owned<int> number = make_owned<int>(arena, 7);
        EXPECT_TRUE(arena.owns(number.get()));
    }
    EXPECT_EQ(resource.statistics().deallocations, 2U);
    EXPECT_EQ(arena.statistics().in_use, 0U);
}

} // namespace tarn
