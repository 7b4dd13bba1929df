// SPDX-License-Identifier: MIT
#include <array>
#include <atomic>
#include <limits>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/fixed_buffer_resource.h>

#include "tests/unit/resources/gap.h"
#include "tests/unit/resources/misuse_handler.h"
#include "tests/unit/resources/model.h"
#include "tests/unit/support/contents.h"
#include "tests/unit/support/threads.h"

namespace tarn {

namespace {

template <class Type> class FixedBuffer : public testing::Test {};
using Types = testing::Types<FixedBufferResource, ConcurrentFixedBufferResource>;
TYPED_TEST_SUITE(FixedBuffer, Types);

template <class Type> void run_property()
{
    // Begins at any address.
    std::vector<std::byte> buffer(*rc::gen::inRange<std::size_t>(16, 200'000));
    const auto usable = std::span(buffer).subspan(*rc::gen::inRange<std::size_t>(0, 16));
    Type resource(usable, {.checked = *rc::gen::arbitrary<bool>()});
    test::run_against_model(resource, *test::any_steps(20'000),
                            {.reset = [&] { resource.reset(); }, .may_refuse = true});
    RC_ASSERT(resource.statistics().peak_in_use <= usable.size());
}

} // namespace

RC_GTEST_PROP(FixedBufferProperty, BlocksAreApartAndKeepTheirContents, ())
{
    run_property<FixedBufferResource>();
}

RC_GTEST_PROP(FixedBufferProperty, BlocksOfTheConcurrentOneToo, ())
{
    run_property<ConcurrentFixedBufferResource>();
}

TYPED_TEST(FixedBuffer, IsUsedToItsLastByteAndThenRefuses)
{
    alignas(16) std::array<std::byte, 128> memory;
    const std::span<std::byte> buffer(memory.data(), 64 + 2 * test::gap());
    TypeParam resource(buffer);
    EXPECT_EQ(resource.try_allocate(48, 16), buffer.data());
    EXPECT_EQ(resource.try_allocate(17, 1), nullptr);
    EXPECT_NE(resource.try_allocate(16, 1), nullptr);
    EXPECT_EQ(resource.try_allocate(1, 1), nullptr);
    EXPECT_THROW(static_cast<void>(resource.allocate(1, 1)), std::bad_alloc);
    EXPECT_EQ(resource.statistics().failures, 3U);
    EXPECT_EQ(resource.statistics().in_use, buffer.size());
}

TYPED_TEST(FixedBuffer, GivesTheLastBlockBackAndAllAtAReset)
{
    alignas(16) std::array<std::byte, 256> buffer;
    TypeParam resource(buffer);
    void* const first = resource.allocate(32);
    void* const second = resource.allocate(32);
    resource.deallocate(first, 32);
    EXPECT_NE(resource.allocate(32), first);
    resource.reset();
    EXPECT_EQ(resource.allocate(32), first);
    EXPECT_EQ(resource.allocate(32), second);
    resource.deallocate(second, 32);
    EXPECT_EQ(resource.allocate(32), second);
}

TYPED_TEST(FixedBuffer, OwnsItsBufferAndNothingElse)
{
    std::array<std::byte, 64> buffer;
    const TypeParam resource(buffer);
    EXPECT_TRUE(resource.owns(buffer.data()));
    EXPECT_TRUE(resource.owns(buffer.data() + 63));
    EXPECT_FALSE(resource.owns(buffer.data() + 64));
    EXPECT_FALSE(resource.owns(buffer.data() - 1));
    EXPECT_EQ(resource.upstream(), nullptr);
}

TYPED_TEST(FixedBuffer, RefusesWhatCannotBe)
{
    std::array<std::byte, 64> buffer;
    TypeParam resource(buffer);
    constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();
    EXPECT_EQ(resource.try_allocate(kMost, 1), nullptr);
    EXPECT_EQ(resource.try_allocate(kMost - 8, 64), nullptr);
    EXPECT_EQ(resource.try_allocate(1, std::size_t{1} << 63), nullptr);
    TypeParam empty{std::span<std::byte>()};
    EXPECT_EQ(empty.try_allocate(0, 1), nullptr);
}

TYPED_TEST(FixedBuffer, TellsKindsOfMisuseApart)
{
    const test::ThrowingMisuseHandler handler;
    std::array<std::byte, 1024> buffer;
    TypeParam resource(buffer, {.checked = true});
    auto* const block = static_cast<std::byte*>(resource.allocate(64, 8));
    const auto misuse = [&](void* address, std::size_t bytes) {
        return handler.of([&] { resource.deallocate(address, bytes, 8); });
    };
    EXPECT_EQ(misuse(&resource, 64), Misuse::not_owned);
    EXPECT_EQ(misuse(block + 8, 64), Misuse::misaligned);
    EXPECT_EQ(misuse(block, 60), Misuse::wrong_size);
    EXPECT_EQ(misuse(block, 64), std::nullopt);
    EXPECT_EQ(misuse(block, 64), Misuse::double_free);
}

TEST(FixedBufferResource, ResizesTheLastBlockInPlace)
{
    alignas(16) std::array<std::byte, 256> memory;
    FixedBufferResource resource(std::span(memory.data(), 128 + test::gap()));
    void* const block = resource.allocate(16);
    EXPECT_TRUE(resource.try_resize(block, 16, 128));
    EXPECT_FALSE(resource.try_resize(block, 128, 129));
    EXPECT_TRUE(resource.try_resize(block, 128, 8));
    static_cast<void>(resource.allocate(8));
    EXPECT_FALSE(resource.try_resize(block, 8, 9));
}

TEST(ConcurrentFixedBuffer, GivesThreadsBlocksOfTheirOwn)
{
    std::vector<std::byte> buffer(std::size_t{1} << 20);
    ConcurrentFixedBufferResource resource(buffer);
    std::atomic<std::uint64_t> blocks{0};
    test::in_threads(4, [&](std::size_t thread) {
        std::uint64_t own = 0;
        while (void* const block = resource.try_allocate(24, 8)) {
            test::fill(block, 24, thread);
            if (own % 3 == 0)
                resource.deallocate(block, 24, 8);
            else
                ASSERT_TRUE(test::holds(block, 24, thread));
            ++own;
        }
        blocks += own;
    });
    EXPECT_EQ(resource.statistics().allocations, blocks);
    EXPECT_LE(resource.statistics().peak_in_use, buffer.size());
}

} // namespace tarn
