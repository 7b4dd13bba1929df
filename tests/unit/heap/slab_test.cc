// SPDX-License-Identifier: MIT

#include "src/heap/slab.h"

#include <array>
#include <list>

#include <gtest/gtest.h>

#include "tests/unit/support/random.h"

namespace tarn {

namespace {

TEST(Slab, HasRoomWhileABlockIsFreeOrWasNeverHandedOut)
{
    Slab slab{};
    slab.capacity = 2;
    EXPECT_TRUE(slab.has_room());
    slab.carved = 2;
    EXPECT_FALSE(slab.has_room());
    FreeBlock block{};
    slab.free = &block;
    EXPECT_TRUE(slab.has_room());
}

TEST(Slab, IsEmptyWhenEveryBlockIsBack)
{
    Slab slab{};
    EXPECT_TRUE(slab.is_empty());
    slab.carved = 3;
    slab.free_count = 2;
    EXPECT_FALSE(slab.is_empty());
    slab.free_count = 3;
    EXPECT_TRUE(slab.is_empty());
}

TEST(SlabList, HasWhatAListOfTheStandardLibraryHas)
{
    std::array<Slab, 12> slabs{};
    SlabList list;
    std::list<Slab*> model;
    test::Random random;
    for (int i = 0; i < 5000; ++i) {
        Slab& slab = slabs[random.below(slabs.size())];
        if (slab.listed) {
            list.remove(slab);
            model.remove(&slab);
        } else {
            list.push_front(slab);
            model.push_front(&slab);
        }
        const Slab* seen = list.front();
        const Slab* previous = nullptr;
        for (const Slab* const expected : model) {
            ASSERT_EQ(seen, expected);
            ASSERT_EQ(seen->previous, previous);
            ASSERT_TRUE(seen->listed);
            previous = seen;
            seen = seen->next;
        }
        ASSERT_EQ(seen, nullptr);
        ASSERT_EQ(slab.listed, !model.empty() && std::ranges::find(model, &slab) != model.end());
    }
}

} // namespace

} // namespace tarn
