// SPDX-License-Identifier: MIT

#include "src/fallback/extent_table.h"

#include <atomic>
#include <memory>
#include <thread>

#include <gtest/gtest.h>

namespace tarn {

namespace {

const void* at(std::uintptr_t address)
{
    return reinterpret_cast<const void*>(address);
}

class Extents : public testing::Test {
protected:
    ExtentTable& table() { return *table_; }

private:
    std::unique_ptr<ExtentTable> table_ = std::make_unique<ExtentTable>(); // too big for a stack
};

TEST_F(Extents, ContainTheirFirstByteAndNotTheOneBehindThem)
{
    EXPECT_FALSE(table().contains(at(0x1000)));
    ASSERT_TRUE(table().add(at(0x10000), 0x1000));
    EXPECT_FALSE(table().contains(at(0xffff)));
    EXPECT_TRUE(table().contains(at(0x10000)));
    EXPECT_TRUE(table().contains(at(0x10fff)));
    EXPECT_FALSE(table().contains(at(0x11000)));
    EXPECT_FALSE(table().contains(nullptr));
}

TEST_F(Extents, KeepGapsBetweenThem)
{
    ASSERT_TRUE(table().add(at(0x30000), 0x1000));
    ASSERT_TRUE(table().add(at(0x10000), 0x1000));
    EXPECT_TRUE(table().contains(at(0x30000)));
    EXPECT_TRUE(table().contains(at(0x10000)));
    EXPECT_FALSE(table().contains(at(0x20000)));
}

TEST_F(Extents, ThatFollowEachOtherTakeNoPlace)
{
    for (std::uintptr_t i = 0; i < 10000; ++i)
        ASSERT_TRUE(table().add(at(0x100000 + i * 0x1000), 0x1000));
    EXPECT_TRUE(table().contains(at(0x100000 + 9999 * 0x1000)));
}

TEST_F(Extents, ThatPrecedeEachOtherTakeNoPlace)
{
    for (std::uintptr_t i = 10000; i > 0; --i)
        ASSERT_TRUE(table().add(at(0x100000 + i * 0x1000), 0x1000));
    EXPECT_TRUE(table().contains(at(0x101000)));
    EXPECT_TRUE(table().contains(at(0x100000 + 10000 * 0x1000)));
    EXPECT_FALSE(table().contains(at(0x100fff)));
}

TEST_F(Extents, AreRefusedWhenTheTableIsFull)
{
    std::uintptr_t added = 0;
    while (added < 100000 && table().add(at(0x100000 + added * 0x2000), 0x1000))
        ++added;
    EXPECT_EQ(added, 4096U);
    EXPECT_FALSE(table().contains(at(0x100000 + added * 0x2000)));
    EXPECT_TRUE(table().contains(at(0x100000 + (added - 1) * 0x2000)));
}

TEST_F(Extents, MayBeLookedUpWhileOthersAreAdded)
{
    std::atomic<std::uintptr_t> added{0};
    std::thread reader([&] {
        for (std::uintptr_t seen = 0; seen < 4000;) {
            seen = added.load();
            if (seen != 0) {
                ASSERT_TRUE(table().contains(at(0x100000 + (seen - 1) * 0x2000)));
            }
            ASSERT_FALSE(table().contains(at(0x100000 + seen / 2 * 0x2000 + 0x1000)));
        }
    });
    for (std::uintptr_t i = 0; i < 4000; ++i) {
        ASSERT_TRUE(table().add(at(0x100000 + i * 0x2000), 0x1000));
        added.store(i + 1);
    }
    reader.join();
}

} // namespace

} // namespace tarn
