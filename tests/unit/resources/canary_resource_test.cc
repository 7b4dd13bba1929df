// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/canary_resource.h>

#include "tests/unit/resources/counted.h"
#include "tests/unit/resources/misuse_handler.h"
#include "tests/unit/resources/model.h"

namespace tarn {

RC_GTEST_PROP(CanaryProperty, BlocksAreApartAndKeepTheirContents, (bool poison))
{
    test::Counted upstream;
    CanaryResource canaries({.poison = poison}, &upstream);
    test::run_against_model(canaries, *test::any_steps(), {.knows_its_blocks = false});
    RC_ASSERT(canaries.in_use() == 0U);
}

TEST(Canary, SeesWritesInFrontAndBehind)
{
    const test::ThrowingMisuseHandler misuse;
    for (const std::size_t bytes : {1U, 7U, 64U, 1000U}) {
        for (const std::size_t alignment : {1U, 16U, 4096U}) {
            CanaryResource canaries;
            auto* const block = static_cast<unsigned char*>(canaries.allocate(bytes, alignment));
            const auto free = [&] { canaries.deallocate(block, bytes, alignment); };
            block[bytes] ^= 1U;
            EXPECT_EQ(misuse.of(free), Misuse::overflow);
            block[bytes] ^= 1U;
            *(block - 1) ^= 1U;
            EXPECT_EQ(misuse.of([&] { canaries.check(block); }), Misuse::underflow);
            EXPECT_EQ(misuse.of(free), Misuse::underflow);
            *(block - 1) ^= 1U;
            EXPECT_TRUE(canaries.check(block));
            EXPECT_EQ(misuse.of(free), std::nullopt);
        }
    }
}

TEST(Canary, KnowsSizeAndAlignment)
{
    const test::ThrowingMisuseHandler misuse;
    CanaryResource canaries;
    void* const block = canaries.allocate(100, 32);
    EXPECT_EQ(misuse.of([&] { canaries.deallocate(block, 99, 32); }), Misuse::wrong_size);
    EXPECT_EQ(misuse.of([&] { canaries.deallocate(block, 100, 16); }), Misuse::wrong_alignment);
    canaries.deallocate(block, 100, 32);
}

TEST(Canary, FillsWhatIsNewAndWhatIsGivenBack)
{
    std::byte memory[256];
    std::pmr::monotonic_buffer_resource below(memory, sizeof memory,
                                              std::pmr::null_memory_resource());
    CanaryResource canaries({}, &below);
    auto* const block = static_cast<unsigned char*>(canaries.allocate(10));
    EXPECT_EQ(block[0], 0xAB);
    EXPECT_EQ(block[9], 0xAB);
    canaries.deallocate(block, 10);
    EXPECT_EQ(block[0], 0xCD); // the memory is still there
    EXPECT_EQ(block[9], 0xCD);
    EXPECT_EQ(canaries.try_allocate(1000), nullptr);
}

TEST(CanaryDeathTest, NamesTheResource)
{
    CanaryResource canaries({.name = "parser"});
    auto* const block = static_cast<unsigned char*>(canaries.allocate(8));
    block[8] ^= 1U;
    EXPECT_DEATH(canaries.deallocate(block, 8), "write behind a block in resource 'parser'");
    block[8] ^= 1U;
    canaries.deallocate(block, 8);
}

} // namespace tarn
