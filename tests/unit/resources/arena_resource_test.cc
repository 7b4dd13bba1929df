// SPDX-License-Identifier: MIT
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/arena_resource.h>

#include "src/base/units.h"
#include "tests/unit/resources/counted.h"
#include "tests/unit/resources/gap.h"
#include "tests/unit/resources/misuse_handler.h"
#include "tests/unit/resources/model.h"
#include "tests/unit/support/contents.h"

namespace tarn {

namespace {

using test::any_steps;
using test::Counted;
using test::is_aligned;
using test::run_against_model;

constexpr ArenaOptions kCases[] = {
    ArenaOptions::general(),
    ArenaOptions::frame(),
    {.growth = {1000, 100, 1000}},
    {.checked = true},
};

} // namespace

RC_GTEST_PROP(ArenaProperty, BlocksAreApartAndKeepTheirContents, ())
{
    Counted upstream;
    ArenaResource arena(*rc::gen::elementOf(std::vector(std::begin(kCases), std::end(kCases))),
                        &upstream);
    run_against_model(arena, *any_steps(), {.reset = [&] { arena.reset(); }});
}

RC_GTEST_PROP(ArenaProperty, BoundedArenasStayWithinTheirLimit, ())
{
    Counted upstream;
    const std::size_t limit = *rc::gen::inRange(0, 200'000);
    ArenaResource arena({.limit = limit, .checked = *rc::gen::arbitrary<bool>()}, &upstream);
    run_against_model(arena, *any_steps(100'000),
                      {.reset = [&] { arena.reset(limit / 2); }, .may_refuse = true});
    RC_ASSERT(arena.statistics().peak_reserved <= limit);
}

RC_GTEST_PROP(ArenaProperty, FixedArenasRefuseWhenTheyAreFull, ())
{
    Counted upstream;
    ArenaResource arena(ArenaOptions::fixed(*rc::gen::inRange<std::size_t>(0, 100'000)), &upstream);
    run_against_model(arena, *any_steps(10'000),
                      {.reset = [&] { arena.reset(); }, .may_refuse = true});
    RC_ASSERT(upstream.statistics().allocations <= 1U);
}

TEST(Arena, GivesNothingAnAddressOfItsOwnInTheSameChunk)
{
    Counted upstream;
    ArenaResource arena({}, &upstream);
    void* const first = arena.allocate(0, 1);
    EXPECT_NE(first, arena.allocate(0, 1));
    EXPECT_EQ(upstream.statistics().allocations, 1U);
    EXPECT_EQ(arena.statistics().in_use, test::gap() != 0 ? 41U : 2U);
}

TEST(Arena, TakesNothingBeforeTheFirstRequest)
{
    Counted upstream;
    ArenaResource arena({}, &upstream);
    arena.reset();
    EXPECT_TRUE(upstream.sizes.empty());
    EXPECT_EQ(arena.capacity(), 0U);
}

TEST(Arena, GrowsAsItsOptionsSay)
{
    Counted upstream;
    ArenaResource arena(ArenaOptions::frame(), &upstream);
    while (upstream.sizes.size() < 7)
        static_cast<void>(arena.allocate(1000));
    EXPECT_EQ(upstream.sizes,
              (std::vector{KiB(64), KiB(128), KiB(256), KiB(512), MiB(1), MiB(1), MiB(1)}));

    Counted other;
    ArenaResource general({.growth = {1024, 150, 4096}}, &other);
    while (other.sizes.size() < 6)
        static_cast<void>(general.allocate(100));
    EXPECT_EQ(other.sizes, (std::vector<std::size_t>{1024, 1536, 2304, 3456, 4096, 4096}));
}

TEST(Arena, GivesLargeBlocksMemoryOfTheirOwnAndGoesOnInItsChunk)
{
    Counted upstream;
    ArenaResource arena({.growth = {4096, 100, 4096}}, &upstream);
    auto* const before = static_cast<std::byte*>(arena.allocate(16, 1));
    void* const large = arena.allocate(100'000);
    auto* const after = static_cast<std::byte*>(arena.allocate(16, 1));
    EXPECT_LT(after - before, 64);
    EXPECT_TRUE(arena.owns(large));
    EXPECT_EQ(upstream.statistics().allocations, 2U);
    arena.reset();
    EXPECT_FALSE(arena.owns(large));
    EXPECT_EQ(arena.capacity(), 4096U);
}

TEST(Arena, GivesTheLastBlockBack)
{
    ArenaResource arena;
    void* const first = arena.allocate(32);
    void* const second = arena.allocate(32);
    arena.deallocate(first, 32);
    EXPECT_NE(arena.allocate(32), first) << "not the last";
    arena.deallocate(second, 32);
    void* const third = arena.allocate(32);
    arena.deallocate(third, 32);
    EXPECT_EQ(arena.allocate(32), third);
    void* const large = arena.allocate(MiB(1));
    arena.deallocate(large, MiB(1));
    EXPECT_LT(arena.capacity(), MiB(1)) << "a block of its own goes back at once";
}

TEST(Arena, ResizesTheLastBlockInPlace)
{
    ArenaResource arena({.growth = {4096, 100, 4096}});
    auto* const block = static_cast<char*>(arena.allocate(10, 1));
    EXPECT_TRUE(arena.try_resize(block, 10, 100));
    block[99] = 'x';
    EXPECT_TRUE(arena.try_resize(block, 100, 50));
    EXPECT_FALSE(arena.try_resize(block, 50, 5000)) << "the chunk has no room";
    static_cast<void>(arena.allocate(1, 1));
    EXPECT_FALSE(arena.try_resize(block, 50, 51)) << "not the last";
}

TEST(Arena, ResetUsesTheSameMemoryAgain)
{
    Counted upstream;
    ArenaResource arena(ArenaOptions::frame(), &upstream);
    for (int frame = 0; frame < 10; ++frame) {
        for (int block = 0; block < 1000; ++block)
            static_cast<void>(arena.allocate(500));
        arena.reset();
    }
    EXPECT_EQ(upstream.statistics().allocations, 4U) << "64 + 128 + 256 + 512 KiB";
}

TEST(Arena, ResetAndMergeMakesOneChunkOfWhatARoundTook)
{
    Counted upstream;
    ArenaResource arena({.growth = {4096, 100, 4096}}, &upstream);
    std::uint64_t first_round = 0;
    for (int round = 0; round < 10; ++round) {
        if (round == 1) first_round = upstream.statistics().allocations;
        for (const std::size_t bytes : {100U, 50'000U, 2000U, 700U, 4000U})
            static_cast<void>(arena.allocate(bytes));
        arena.reset_and_merge();
    }
    EXPECT_EQ(upstream.statistics().allocations, first_round) << "the merged chunk is enough";
    static_cast<void>(arena.allocate(200'000));
    arena.reset_and_merge(100'000);
    EXPECT_LE(arena.capacity(), 100'000U);
}

TEST(Arena, ResetKeepsAsMuchAsItIsTold)
{
    ArenaResource arena(ArenaOptions::frame());
    for (int block = 0; block < 1000; ++block)
        static_cast<void>(arena.allocate(500));
    arena.reset(KiB(200));
    EXPECT_EQ(arena.capacity(), KiB(64) + KiB(128));
    arena.release();
    EXPECT_EQ(arena.capacity(), 0U);
    EXPECT_NE(arena.try_allocate(8), nullptr) << "usable afterwards";
}

TEST(Arena, ReserveMakesRoomOfAnySize)
{
    Counted upstream;
    ArenaResource arena({}, &upstream);
    EXPECT_TRUE(arena.reserve(MiB(3)));
    const std::uint64_t before = upstream.statistics().allocations;
    for (std::size_t block = 0; block < KiB(3) / 2; ++block)
        static_cast<void>(arena.allocate(KiB(1), 16));
    EXPECT_EQ(upstream.statistics().allocations, before);
}

TEST(Arena, RefusesWhatCannotBe)
{
    constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();
    ArenaResource arena;
    static_cast<void>(arena.allocate(8));
    EXPECT_EQ(arena.try_allocate(kMost), nullptr);
    EXPECT_EQ(arena.try_allocate(kMost - 64, 64), nullptr);
    EXPECT_EQ(arena.try_allocate(kMost / 2, std::size_t{1} << 62), nullptr);
    EXPECT_EQ(arena.try_allocate(8, std::size_t{1} << 63), nullptr);
    EXPECT_EQ(arena.statistics().failures, 4U);
    EXPECT_NE(arena.try_allocate(8), nullptr);
}

TEST(Arena, OfFixedSizeIsUsedToItsEndAndCountsEachRefusal)
{
    ArenaResource arena(ArenaOptions::fixed(1024));
    EXPECT_EQ(arena.try_allocate(1000), nullptr);
    EXPECT_EQ(arena.statistics().failures, 1U);
    EXPECT_NE(arena.try_allocate(1024 - 32 - test::gap(), 1), nullptr);
    EXPECT_EQ(arena.try_allocate(1, 1), nullptr);
    EXPECT_EQ(arena.statistics().failures, 2U);
    EXPECT_EQ(arena.capacity(), 1024U);
}

TEST(Arena, CountsBytesAndTheirPeak)
{
    ArenaResource arena({.growth = Growth::frame()});
    for (int block = 0; block < 1000; ++block)
        static_cast<void>(arena.allocate(500, 4));
    const ResourceStatistics full = arena.statistics();
    EXPECT_EQ(full.allocations, 1000U);
    EXPECT_GE(full.in_use, 500'000U);
    EXPECT_LE(full.in_use, full.reserved);
    arena.reset();
    EXPECT_EQ(arena.statistics().in_use, 0U);
    EXPECT_EQ(arena.statistics().peak_in_use, full.in_use);
}

TEST(Arena, ServesContainers)
{
    ArenaResource arena;
    std::pmr::vector<std::pmr::string> texts(&arena);
    for (int i = 0; i < 1000; ++i)
        texts.emplace_back(std::to_string(i) + " is longer than what a string holds itself");
    EXPECT_EQ(texts[999].substr(0, 3), "999");
    EXPECT_TRUE(arena.owns(texts[500].data()));
}

TEST(CheckedArena, TellsKindsOfMisuseApart)
{
    const test::ThrowingMisuseHandler handler;
    ArenaResource arena({.checked = true});
    auto* const block = static_cast<std::byte*>(arena.allocate(64, 8));
    const auto misuse = [&](void* address, std::size_t bytes, std::size_t alignment) {
        return handler.of([&] { arena.deallocate(address, bytes, alignment); });
    };
    int foreign = 0;
    EXPECT_EQ(misuse(&foreign, 4, 4), Misuse::not_owned);
    EXPECT_EQ(misuse(block + 8, 64, 8), Misuse::misaligned);
    EXPECT_EQ(misuse(block, 32, 8), Misuse::wrong_size);
    EXPECT_EQ(misuse(block, 64, 16), Misuse::wrong_alignment);
    EXPECT_EQ(misuse(block, 64, 8), std::nullopt);
    EXPECT_EQ(misuse(block, 64, 8), Misuse::double_free);
    void* const other = arena.allocate(200, 8);
    arena.reset();
    EXPECT_EQ(misuse(other, 200, 8), Misuse::double_free) << "a reset has taken it";
}

// AddressSanitizer stops at the write itself; without it the checked mode finds it later.
TEST(CheckedArenaDeathTest, FindsWritesBehindBlocksAndIntoFreeOnes)
{
    EXPECT_DEATH(
        {
            ArenaResource arena({.checked = true});
            auto* const block = static_cast<volatile char*>(arena.allocate(10));
            block[10] = 'x';
            arena.reset();
        },
        test::gap() != 0 ? "use-after-poison" : "write behind a block in resource 'arena'");
    EXPECT_DEATH(
        {
            ArenaResource arena({.checked = true});
            auto* const block = static_cast<volatile char*>(arena.allocate(10));
            arena.deallocate(const_cast<char*>(block), 10);
            block[3] = 'x';
            arena.reset();
        },
        test::gap() != 0 ? "use-after-poison" : "write into a free block in resource 'arena'");
}

} // namespace tarn
