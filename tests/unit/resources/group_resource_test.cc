// SPDX-License-Identifier: MIT
#include <memory_resource>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/group_resource.h>

#include "tests/unit/resources/counted.h"
#include "tests/unit/resources/misuse_handler.h"
#include "tests/unit/resources/model.h"
#include "tests/unit/resources/poisoned.h"
#include "tests/unit/support/contents.h"
#include "tests/unit/support/threads.h"

namespace tarn {

using test::Counted;

RC_GTEST_PROP(GroupProperty, BlocksAreApartAndKeepTheirContents, (bool checked))
{
    Counted upstream;
    GroupResource group({.checked = checked}, &upstream);
    test::run_against_model(group, *test::any_steps(), {.reset = [&] { group.release(); }});
    RC_ASSERT(group.statistics().in_use == 0U);
    RC_ASSERT(group.blocks() == 0U);
}

TEST(Group, GivesAllBlocksBackAtItsEndAndOnRelease)
{
    Counted upstream; // its end sees what is left
    GroupResource group({}, &upstream);
    for (std::size_t bytes = 1; bytes < 1000; ++bytes)
        static_cast<void>(group.allocate(bytes, std::size_t{1} << bytes % 9));
    EXPECT_EQ(group.blocks(), 999U);
    EXPECT_EQ(group.statistics().in_use, 999U * 1000 / 2);
    group.release();
    EXPECT_EQ(upstream.statistics().in_use, 0U);
    EXPECT_EQ(group.statistics().in_use, 0U);
    EXPECT_EQ(group.statistics().reserved, 0U);
    EXPECT_EQ(group.statistics().deallocations, 999U);
    static_cast<void>(group.allocate(100));
    EXPECT_EQ(group.blocks(), 1U);
}

TEST(Group, TakesItsOverheadAndNoMore)
{
    Counted upstream;
    GroupResource group({}, &upstream);
    static_cast<void>(group.allocate(80));
    static_cast<void>(group.allocate(81, 1));
    EXPECT_EQ(upstream.sizes, (std::vector<std::size_t>{80 + GroupResource::kOverhead,
                                                        88 + GroupResource::kOverhead}));
    EXPECT_EQ(group.statistics().reserved, upstream.statistics().in_use);
}

TEST(Group, ForgetsABlockThatIsGivenBackOnItsOwn)
{
    Counted upstream;
    GroupResource group({}, &upstream);
    std::vector<void*> blocks;
    for (int i = 0; i < 5; ++i)
        blocks.push_back(group.allocate(64));
    for (const std::size_t which : {4U, 0U, 2U}) { // the newest, the oldest, one in between
        group.deallocate(blocks[which], 64);
        EXPECT_FALSE(group.owns(blocks[which]));
    }
    EXPECT_EQ(group.blocks(), 2U);
    EXPECT_TRUE(group.owns(blocks[1]));
    EXPECT_TRUE(group.owns(static_cast<std::byte*>(blocks[3]) + 63));
    EXPECT_FALSE(group.owns(static_cast<std::byte*>(blocks[3]) + 64));
}

TEST(Group, ServesContainersThatAreNeverDestroyed)
{
    Counted upstream;
    GroupResource group({}, &upstream);
    using Names = std::pmr::vector<std::pmr::string>;
    auto* const names = std::pmr::polymorphic_allocator<>(&group).new_object<Names>();
    for (int i = 0; i < 100; ++i)
        names->emplace_back("a name that is longer than what lies in a string itself");
    EXPECT_EQ(group.blocks(), 102U) << "the vector, its array, the texts";
}

TEST(Group, RefusesWhatUpstreamRefuses)
{
    GroupResource group({}, std::pmr::null_memory_resource());
    EXPECT_EQ(group.try_allocate(8), nullptr);
    EXPECT_EQ(group.try_allocate(SIZE_MAX), nullptr);
    EXPECT_EQ(group.try_allocate(8, 3), nullptr) << "which no resource hears of";
    EXPECT_EQ(group.statistics().failures, 2U);
}

TEST(Group, ServesThreads)
{
    GroupResource group;
    test::in_threads(4, [&](std::size_t thread) {
        for (std::size_t i = 0; i < 1000; ++i) {
            void* const block = group.allocate(thread * 100 + i % 50);
            if (i % 2 == 0) group.deallocate(block, thread * 100 + i % 50);
        }
    });
    EXPECT_EQ(group.blocks(), 2000U);
}

TEST(GroupChecked, TellsMisuseApart)
{
    const test::ThrowingMisuseHandler misuse;
    GroupResource group({.checked = true});
    void* const block = group.allocate(100);
    EXPECT_EQ(misuse.of([&] { group.deallocate(block, 90); }), Misuse::wrong_size);
    EXPECT_EQ(misuse.of([&] { group.deallocate(block, 100, 64); }), Misuse::wrong_alignment);
    group.deallocate(block, 100);
    EXPECT_EQ(misuse.of([&] { group.deallocate(block, 100); }), Misuse::double_free);
    EXPECT_EQ(group.blocks(), 0U);
}

TEST(GroupDeathTest, AWriteBehindABlockIsSeenByAddressSanitizer)
{
    GroupResource group;
    auto* const block = static_cast<volatile char*>(group.allocate(61));
    test::expect_poisoned(block + 61);
    test::expect_poisoned(block + 61 + 8);
}

} // namespace tarn
