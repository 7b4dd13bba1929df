// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/arena_resource.h>
#include <tarn/chunk_cache.h>

#include "src/base/units.h"
#include "tests/unit/resources/counted.h"
#include "tests/unit/resources/model.h"
#include "tests/unit/support/threads.h"

namespace tarn {

using test::Counted;

RC_GTEST_PROP(ChunkCacheProperty, BlocksAreApartAndKeepTheirContents, ())
{
    Counted upstream;
    ChunkCache cache({.limit = KiB(256), .smallest = 64}, &upstream);
    test::run_against_model(cache, *test::any_steps(), {.knows_its_blocks = false});
    RC_ASSERT(cache.kept() <= KiB(256));
}

TEST(ChunkCache, LetsArenasUseEachOthersChunks)
{
    Counted upstream;
    ChunkCache cache({}, &upstream);
    for (int request = 0; request < 10; ++request) {
        ArenaResource arena(ArenaOptions::frame(), &cache);
        static_cast<void>(arena.allocate(KiB(16)));
        static_cast<void>(arena.allocate(KiB(16)));
    }
    EXPECT_EQ(upstream.statistics().allocations, 1U);
    EXPECT_EQ(cache.hits(), 9U);
    EXPECT_EQ(cache.kept(), KiB(64));
    cache.trim();
    EXPECT_EQ(cache.kept(), 0U);
    EXPECT_EQ(upstream.statistics().in_use, 0U);
}

TEST(ChunkCache, KeepsNoMoreThanItsLimitAndTheNewest)
{
    Counted upstream;
    ChunkCache cache({.limit = KiB(16)}, &upstream);
    void* blocks[8];
    for (void*& block : blocks)
        block = cache.allocate(KiB(4));
    for (void* const block : blocks)
        cache.deallocate(block, KiB(4));
    EXPECT_EQ(cache.kept(), KiB(16));
    EXPECT_EQ(upstream.statistics().in_use, KiB(16));
    EXPECT_EQ(cache.allocate(KiB(4)), blocks[7]);
    cache.deallocate(blocks[7], KiB(4));
}

TEST(ChunkCache, KeepsOnlyWhatAnotherMayWant)
{
    ChunkCache cache({.smallest = 100, .largest = 200});
    for (const std::size_t bytes : {99U, 201U})
        cache.deallocate(cache.allocate(bytes), bytes);
    EXPECT_EQ(cache.kept(), 0U);
    cache.deallocate(cache.allocate(100), 100);
    EXPECT_EQ(cache.kept(), 100U);
    void* const other = cache.allocate(101);
    EXPECT_EQ(cache.hits(), 0U) << "of another size";
    cache.deallocate(other, 101);
}

TEST(ChunkCache, ServesThreadsAtOnce)
{
    ChunkCache cache({.limit = KiB(512)});
    test::in_threads(4, [&](std::size_t) {
        for (int request = 0; request < 200; ++request) {
            ArenaResource arena(ArenaOptions::frame(), &cache);
            for (int block = 0; block < 200; ++block)
                *static_cast<int*>(arena.allocate(1000)) = block;
        }
    });
    const ResourceStatistics statistics = cache.statistics();
    EXPECT_EQ(statistics.in_use, 0U);
    EXPECT_EQ(statistics.reserved, cache.kept());
    EXPECT_EQ(statistics.allocations, statistics.deallocations);
}

} // namespace tarn
