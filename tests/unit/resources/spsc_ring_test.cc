// SPDX-License-Identifier: MIT
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <tarn/spsc_ring.h>

#include "tests/unit/resources/counted.h"
#include "tests/unit/support/threads.h"

namespace tarn {

TEST(SpscRing, IsAQueueOfAllItsCapacity)
{
    test::Counted upstream;
    SpscRing<int> ring(4, &upstream);
    EXPECT_EQ(ring.capacity(), 4U);
    for (int round = 0; round < 5; ++round) {
        for (int i = 0; i < 4; ++i)
            EXPECT_TRUE(ring.try_push(i));
        EXPECT_FALSE(ring.try_push(4));
        EXPECT_EQ(ring.size(), 4U);
        for (int i = 0; i < 4; ++i)
            EXPECT_EQ(ring.try_pop(), i);
        EXPECT_EQ(ring.try_pop(), std::nullopt);
        EXPECT_TRUE(ring.is_empty());
    }
}

TEST(SpscRing, RoundsUpToAPowerOfTwo)
{
    EXPECT_EQ(SpscRing<int>(5).capacity(), 8U);
    EXPECT_EQ(SpscRing<int>(1).capacity(), 1U);
    EXPECT_THROW(SpscRing<int>(0), std::invalid_argument);
    EXPECT_THROW(SpscRing<int>(SIZE_MAX / 2), std::invalid_argument);
}

TEST(SpscRing, MovesObjectsAndDestroysWhatIsLeft)
{
    const auto shared = std::make_shared<int>(7);
    {
        SpscRing<std::shared_ptr<int>> ring(4);
        for (int i = 0; i < 3; ++i)
            EXPECT_TRUE(ring.try_push(shared));
        EXPECT_EQ(**ring.try_pop(), 7);
        EXPECT_EQ(shared.use_count(), 3);
    }
    EXPECT_EQ(shared.use_count(), 1);
}

TEST(SpscRing, AFullRingLeavesTheArgumentAlone)
{
    SpscRing<std::unique_ptr<int>> ring(1);
    EXPECT_TRUE(ring.try_push(std::make_unique<int>(1)));
    auto second = std::make_unique<int>(2);
    EXPECT_FALSE(ring.try_push(std::move(second)));
    EXPECT_NE(second, nullptr);
}

TEST(SpscRing, MovesManyAtOnce)
{
    SpscRing<int> ring(8);
    std::vector<int> numbers(10);
    std::iota(numbers.begin(), numbers.end(), 0);
    EXPECT_EQ(ring.push_some(numbers), 8U);
    std::vector<int> read(5);
    EXPECT_EQ(ring.pop_some(read), 5U);
    EXPECT_EQ(read, (std::vector<int>{0, 1, 2, 3, 4}));
    EXPECT_EQ(ring.push_some(std::span(numbers).subspan(8)), 2U);
    EXPECT_EQ(ring.pop_some(read), 5U);
    EXPECT_EQ(read, (std::vector<int>{5, 6, 7, 8, 9}));
    EXPECT_EQ(ring.pop_some(read), 0U);
}

TEST(SpscRing, HandsOverBetweenTwoThreads)
{
    constexpr int kCount = 30'000;
    SpscRing<std::string> ring(16);
    test::in_threads(2, [&](std::size_t thread) {
        for (int i = 0; i < kCount;) {
            if (thread == 0) {
                if (ring.try_push(std::to_string(i)))
                    ++i;
                else
                    std::this_thread::yield();
            } else if (const auto text = ring.try_pop()) {
                ASSERT_EQ(*text, std::to_string(i));
                ++i;
            } else {
                std::this_thread::yield();
            }
        }
    });
}

TEST(SpscRing, HandsOverManyBetweenTwoThreads)
{
    constexpr std::size_t kCount = 30'000;
    SpscRing<std::size_t> ring(64);
    test::in_threads(2, [&](std::size_t thread) {
        std::vector<std::size_t> numbers(24);
        for (std::size_t i = 0; i < kCount;) {
            if (thread == 0) {
                std::iota(numbers.begin(), numbers.end(), i);
                const std::size_t left = std::min(numbers.size(), kCount - i);
                const std::size_t count = ring.push_some(std::span(numbers).first(left));
                if (count == 0) std::this_thread::yield();
                i += count;
            } else {
                const std::size_t count = ring.pop_some(numbers);
                if (count == 0) std::this_thread::yield();
                for (std::size_t j = 0; j < count; ++j)
                    ASSERT_EQ(numbers[j], i++);
            }
        }
    });
}

TEST(SpscRing, TheSidesShareNoCacheLine)
{
    EXPECT_EQ(alignof(SpscRing<int>), kCacheLine);
    EXPECT_GE(sizeof(SpscRing<int>), 3 * kCacheLine);
}

} // namespace tarn
