// SPDX-License-Identifier: MIT

#include "src/heap/kept_blocks.h"

#include <set>

#include <gtest/gtest.h>

#include "src/base/units.h"

namespace tarn {

namespace {

void* at(std::uintptr_t address)
{
    return reinterpret_cast<void*>(address);
}

TEST(KeptBlocksTest, ComeBackForTheirOwnSizeAndAlignmentOnly)
{
    KeptBlocks kept;
    EXPECT_EQ(kept.keep(at(MiB(3) + KiB(4)), MiB(2)), nullptr);
    EXPECT_EQ(kept.bytes(), MiB(2));
    EXPECT_EQ(kept.take(MiB(2) - 1, 16), nullptr);
    EXPECT_EQ(kept.take(MiB(2), KiB(8)), nullptr);
    EXPECT_EQ(kept.take(MiB(2), KiB(4)), at(MiB(3) + KiB(4)));
    EXPECT_EQ(kept.take(MiB(2), KiB(4)), nullptr) << "only once";
    EXPECT_EQ(kept.bytes(), 0U);
}

TEST(KeptBlocksTest, MakeWayOldestFirst)
{
    KeptBlocks kept;
    for (std::uintptr_t i = 1; i <= 8; ++i)
        EXPECT_EQ(kept.keep(at(i * 64), i), nullptr);
    EXPECT_EQ(kept.keep(at(900), 9), at(64));
    EXPECT_EQ(kept.keep(at(1000), 10), at(128));
    EXPECT_EQ(kept.bytes(), 3U + 4 + 5 + 6 + 7 + 8 + 9 + 10);
}

TEST(KeptBlocksTest, KnowWhatTheyHold)
{
    KeptBlocks kept;
    kept.keep(at(64), 5);
    EXPECT_TRUE(kept.holds(at(64)));
    EXPECT_FALSE(kept.holds(at(65)));
    EXPECT_EQ(kept.take_any(), at(64));
    EXPECT_FALSE(kept.holds(at(64)));
    EXPECT_EQ(kept.take_any(), nullptr);
}

} // namespace

} // namespace tarn
