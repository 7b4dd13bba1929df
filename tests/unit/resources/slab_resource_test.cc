// SPDX-License-Identifier: MIT
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/slab_resource.h>

#include "src/base/units.h"
#include "src/resources/sanitizer.h"
#include "tests/unit/resources/counted.h"
#include "tests/unit/resources/misuse_handler.h"
#include "tests/unit/resources/model.h"
#include "tests/unit/support/contents.h"

namespace tarn {

using test::Counted;

RC_GTEST_PROP(SlabProperty, BlocksAreApartAndKeepTheirContents, (bool checked))
{
    Counted upstream;
    SlabResource slabs({.slab = *rc::gen::element(KiB(4), KiB(64), MiB(1)),
                        .steps = *rc::gen::element(SizeSteps::quarters, SizeSteps::doubling),
                        .keep = *rc::gen::inRange<std::size_t>(0, 3),
                        .checked = checked},
                       &upstream);
    test::run_against_model(slabs, *test::any_steps(20'000), {.knows_its_blocks = false});
    RC_ASSERT(slabs.statistics().in_use == 0U);
    RC_ASSERT(slabs.statistics().deallocations == slabs.statistics().allocations);
}

TEST(Slab, GivesEmptySlabsBack)
{
    Counted upstream;
    SlabResource slabs({.keep = 1}, &upstream);
    std::vector<void*> blocks;
    for (int i = 0; i < 1000; ++i)
        blocks.push_back(slabs.allocate(1024));
    EXPECT_GE(slabs.slabs(), 1000U / 64);
    for (void* const block : blocks)
        slabs.deallocate(block, 1024);
    EXPECT_LE(slabs.slabs(), 2U) << "one in use, one kept";
    EXPECT_EQ(slabs.empty_slabs(), 1U);
    EXPECT_EQ(upstream.statistics().in_use, slabs.slabs() * KiB(64));
}

TEST(Slab, AnEmptySlabServesAnotherSize)
{
    Counted upstream;
    SlabResource slabs({}, &upstream);
    std::vector<void*> blocks;
    for (int i = 0; i < 200; ++i)
        blocks.push_back(slabs.allocate(1024));
    for (void* const block : blocks)
        slabs.deallocate(block, 1024);
    const std::size_t before = upstream.sizes.size();
    static_cast<void>(slabs.allocate(100));
    EXPECT_EQ(upstream.sizes.size(), before);
}

TEST(Slab, LosesAtMostAFifthOfABlock)
{
    SlabResource slabs;
    for (std::size_t bytes = 129; bytes <= slabs.largest(); bytes += 37) {
        const std::size_t before = slabs.statistics().in_use;
        static_cast<void>(slabs.allocate(bytes));
        EXPECT_LE(slabs.statistics().in_use - before, bytes * 5 / 4 + 1);
    }
}

TEST(Slab, PassesOnWhatIsLarge)
{
    Counted upstream;
    SlabResource slabs({}, &upstream);
    void* const large = slabs.allocate(slabs.largest() + 1);
    void* const strict = slabs.allocate(8, KiB(16));
    EXPECT_EQ(slabs.slabs(), 0U);
    EXPECT_TRUE(test::is_aligned(strict, KiB(16)));
    slabs.deallocate(large, slabs.largest() + 1);
    slabs.deallocate(strict, 8, KiB(16));
    EXPECT_EQ(slabs.try_allocate(SIZE_MAX), nullptr);
    EXPECT_EQ(slabs.statistics().failures, 1U);
}

TEST(Slab, KnowsItsBlocks)
{
    SlabResource slabs;
    const int elsewhere = 0;
    EXPECT_TRUE(slabs.owns(slabs.allocate(100)));
    EXPECT_FALSE(slabs.owns(&elsewhere));
}

TEST(Slab, RefusesSlabsOfNoPowerOfTwo)
{
    EXPECT_THROW(SlabResource({.slab = 10'000}), std::invalid_argument);
    EXPECT_THROW(SlabResource({.slab = 1024}), std::invalid_argument);
}

TEST(SlabChecked, TellsMisuseApart)
{
    const test::ThrowingMisuseHandler misuse;
    SlabResource slabs({.checked = true});
    auto* const block = static_cast<std::byte*>(slabs.allocate(100));
    std::byte elsewhere[8];
    EXPECT_EQ(misuse.of([&] { slabs.deallocate(block, 90); }), Misuse::wrong_size);
    EXPECT_EQ(misuse.of([&] { slabs.deallocate(block, 100, 64); }), Misuse::wrong_alignment);
    EXPECT_EQ(misuse.of([&] { slabs.deallocate(block + 16, 84); }), Misuse::misaligned);
    EXPECT_EQ(misuse.of([&] { slabs.deallocate(elsewhere, 8); }), Misuse::not_owned);
    slabs.deallocate(block, 100);
    EXPECT_EQ(misuse.of([&] { slabs.deallocate(block, 100); }), Misuse::double_free);
}

TEST(SlabDeathTest, AWriteToAFreeBlockIsSeen)
{
    const test::ThrowingMisuseHandler misuse;
    const bool at_once = detail::has_address_sanitizer(); // and checked or not
    SlabResource slabs({.checked = !at_once});
    auto* const block = static_cast<volatile char*>(slabs.allocate(64));
    block[0] = 1;
    slabs.deallocate(const_cast<char*>(block), 64);
    if (at_once) {
        EXPECT_DEATH(block[0] = 1, "use-after-poison");
        return;
    }
    const char freed = block[8];
    block[8] = 'x';
    EXPECT_EQ(misuse.of([&] { slabs.release(); }), Misuse::use_after_free);
    block[8] = freed;
}

} // namespace tarn
