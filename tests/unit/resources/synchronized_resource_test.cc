// SPDX-License-Identifier: MIT
#include <vector>

#include <gtest/gtest.h>

#include <tarn/fixed_pool_resource.h>
#include <tarn/synchronized_resource.h>

#include "tests/unit/support/threads.h"

namespace tarn {

TEST(Synchronized, LetsThreadsShareWhatIsForOne)
{
    FixedPoolResource pool({.block_size = 64, .blocks = 16});
    SynchronizedResource resource(pool);
    test::in_threads(4, [&](std::size_t thread) {
        std::vector<std::size_t*> blocks;
        for (std::size_t i = 0; i < 3000; ++i) {
            auto* const block = static_cast<std::size_t*>(resource.allocate(64));
            *block = thread;
            blocks.push_back(block);
            if (i % 3 == 0) continue;
            EXPECT_EQ(*blocks.back(), thread);
            EXPECT_TRUE(resource.owns(block));
            resource.deallocate(blocks.back(), 64);
            blocks.pop_back();
        }
        for (std::size_t* const block : blocks)
            resource.deallocate(block, 64);
    });
    EXPECT_EQ(resource.statistics().allocations, 12'000U);
    EXPECT_EQ(resource.statistics().in_use, 0U);
    EXPECT_EQ(resource.upstream(), &pool);
    resource.with_lock([&] { pool.release(); });
    EXPECT_EQ(resource.statistics().reserved, 0U);
}

TEST(Synchronized, KnowsNothingOfWhatIsNotOurs)
{
    SynchronizedResource resource(*std::pmr::new_delete_resource());
    void* const block = resource.allocate(8);
    EXPECT_FALSE(resource.owns(block));
    EXPECT_EQ(resource.statistics().allocations, 0U);
    resource.deallocate(block, 8);
}

} // namespace tarn
