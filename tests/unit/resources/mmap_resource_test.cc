// SPDX-License-Identifier: MIT
#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/mmap_resource.h>

#include "src/base/units.h"
#include "tests/unit/resources/gap.h"
#include "tests/unit/resources/misuse_handler.h"
#include "tests/unit/resources/model.h"
#include "tests/unit/support/contents.h"
#include "tests/unit/support/resident.h"

namespace tarn {

RC_GTEST_PROP(MmapProperty, BlocksAreApartAndKeepTheirContents, (bool checked))
{
    MmapResource memory({.reserve = MiB(8), .step = KiB(64), .checked = checked});
    const std::size_t keep = *rc::gen::inRange<std::size_t>(0, KiB(512));
    test::run_against_model(memory, *test::any_steps(),
                            {.reset = [&] { memory.reset(keep); }, .may_refuse = true});
    RC_ASSERT(memory.committed() <= memory.reserved());
}

TEST(MmapResource, PutsMemoryBehindItsAddressesInSteps)
{
    MmapResource memory({.reserve = GiB(64), .step = KiB(64)});
    EXPECT_EQ(memory.reserved(), GiB(64));
    EXPECT_EQ(memory.committed(), 0U);
    void* const block = memory.allocate(1);
    EXPECT_EQ(memory.committed(), KiB(64));
    static_cast<void>(memory.allocate(KiB(64)));
    EXPECT_EQ(memory.committed(), KiB(128));
    EXPECT_EQ(memory.statistics().reserved, KiB(128));
    EXPECT_TRUE(memory.owns(block));
}

TEST(MmapResource, GrowsABlockWithoutMovingIt)
{
    MmapResource memory({.reserve = GiB(1)});
    void* const block = memory.allocate(100);
    std::size_t size = 100;
    while (size < MiB(64)) {
        ASSERT_TRUE(memory.try_resize(block, size, size * 2));
        size *= 2;
        static_cast<char*>(block)[size - 1] = 'x';
    }
    EXPECT_FALSE(memory.try_resize(block, size, GiB(2)));
    memory.deallocate(block, size);
    EXPECT_EQ(memory.statistics().in_use, 0U);
}

TEST(MmapResource, GivesMemoryBackToTheSystem)
{
    MmapResource memory({.reserve = MiB(16)});
    void* const block = memory.allocate(MiB(8));
    test::fill(block, MiB(8), 1);
    memory.reset(KiB(64));
    EXPECT_EQ(memory.committed(), KiB(64));
    EXPECT_LE(test::resident_bytes(block, MiB(8)), KiB(64));
    memory.release();
    EXPECT_EQ(memory.committed(), 0U);
    void* const again = memory.allocate(MiB(8));
    EXPECT_EQ(again, block);
    EXPECT_TRUE(test::is_zero(again, MiB(8)));
}

TEST(MmapResource, RefusesWhatItHasNoAddressesFor)
{
    MmapResource memory({.reserve = KiB(64)});
    EXPECT_EQ(memory.try_allocate(KiB(65)), nullptr);
    EXPECT_EQ(memory.try_allocate(std::numeric_limits<std::size_t>::max()), nullptr);
    EXPECT_EQ(memory.try_allocate(1, std::size_t{1} << 62), nullptr);
    EXPECT_NE(memory.try_allocate(KiB(64) - test::gap()), nullptr);
    MmapResource none({.reserve = std::numeric_limits<std::size_t>::max()});
    EXPECT_EQ(none.try_allocate(1), nullptr);
    EXPECT_EQ(none.reserved(), 0U);
    EXPECT_FALSE(none.owns(&none));
}

TEST(MmapResource, TellsKindsOfMisuseApart)
{
    const test::ThrowingMisuseHandler handler;
    MmapResource memory({.checked = true});
    void* const block = memory.allocate(64);
    EXPECT_EQ(handler.of([&] { memory.deallocate(block, 63); }), Misuse::wrong_size);
    memory.deallocate(block, 64);
    EXPECT_EQ(handler.of([&] { memory.deallocate(block, 64); }), Misuse::double_free);
    EXPECT_EQ(handler.of([&] { memory.deallocate(&memory, 64); }), Misuse::not_owned);
}

} // namespace tarn
