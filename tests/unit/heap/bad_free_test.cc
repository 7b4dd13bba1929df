// SPDX-License-Identifier: MIT
//
// Frees that a slow path sees to be wrong: they are told of, and the heap stays as it is.

#include "src/heap/bad_free.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "src/heap/settings.h"
#include "src/heap/verify.h"
#include "tests/unit/support/core_calls.h"

namespace tarn {

namespace {

using test::CoreCalls;

std::vector<std::pair<const void*, BadFree>> told;

class BadFreeTest : public testing::Test {
protected:
    BadFreeTest()
    {
        told.clear();
        settings.bad_free = [](const void* address, BadFree what) {
            told.emplace_back(address, what);
        };
    }
    ~BadFreeTest() override
    {
        settings.bad_free = nullptr;
        verify_heap();
    }
    BadFreeTest(const BadFreeTest&) = delete;
    BadFreeTest& operator=(const BadFreeTest&) = delete;
};

TEST_F(BadFreeTest, KnowsWhereBlocksBegin)
{
    for (const std::size_t size : {16U, 100U, 5000U, 200000U}) {
        auto* const block = static_cast<char*>(CoreCalls::allocate(size));
        const Descriptor descriptor = address_range.descriptor(address_range.granule_of(block));
        EXPECT_TRUE(begins_block(block, descriptor)) << size;
        EXPECT_FALSE(begins_block(block + 8, descriptor)) << size;
        EXPECT_FALSE(begins_block(block, 0)) << size;
        CoreCalls::deallocate(block);
    }
}

TEST_F(BadFreeTest, TellsOfMemoryThatIsNoBlocks)
{
    // The first free of a class finds a bin without room.
    auto* const block = static_cast<char*>(CoreCalls::allocate(300000));
    CoreCalls::deallocate(block + 16);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0], std::pair(static_cast<const void*>(block + 16), BadFree::no_block));
    CoreCalls::deallocate(block);
    EXPECT_EQ(told.size(), 1U);
}

TEST_F(BadFreeTest, SeesTheLastBlockThatCameBackToItsSlab)
{
    // More than the bin takes: those freed last go to the slabs.
    std::vector<void*> blocks(20000);
    for (void*& block : blocks)
        block = CoreCalls::allocate(64);
    EXPECT_TRUE(std::ranges::none_of(blocks, is_seen_free));
    for (void* const block : blocks)
        CoreCalls::deallocate(block);
    EXPECT_TRUE(std::ranges::any_of(blocks, is_seen_free));
    EXPECT_TRUE(told.empty());
}

} // namespace

} // namespace tarn
