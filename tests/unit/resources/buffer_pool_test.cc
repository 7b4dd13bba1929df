// SPDX-License-Identifier: MIT
#include <stdexcept>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/buffer_pool.h>

#include "src/base/units.h"
#include "tests/unit/resources/counted.h"
#include "tests/unit/resources/misuse_handler.h"
#include "tests/unit/resources/model.h"
#include "tests/unit/support/contents.h"

namespace tarn {

using test::Counted;

RC_GTEST_PROP(BufferPoolProperty, BlocksAreApartAndKeepTheirContents, (bool checked))
{
    Counted upstream;
    BufferPool pool({.alignment = std::size_t{1} << *rc::gen::inRange(0, 13),
                     .smallest = *test::any_size(1000),
                     .largest = *test::any_size(100'000),
                     .keep = *test::any_size(200'000),
                     .checked = checked},
                    &upstream);
    test::run_against_model(pool, *test::any_steps(), {.knows_its_blocks = false});
    RC_ASSERT(pool.statistics().in_use == 0U);
    pool.trim();
    RC_ASSERT(checked || upstream.statistics().in_use == 0U);
}

TEST(BufferPool, UsesBuffersAgain)
{
    Counted upstream;
    BufferPool pool({}, &upstream);
    EXPECT_EQ(pool.hit_rate(), 0.0);
    const std::byte* first = nullptr;
    {
        const Buffer buffer = pool.acquire(1400);
        EXPECT_EQ(buffer.size(), 1400U);
        EXPECT_GE(buffer.capacity(), 1400U);
        first = buffer.data();
    }
    EXPECT_EQ(pool.kept(), upstream.statistics().in_use);
    const Buffer again = pool.acquire(1500);
    EXPECT_EQ(again.data(), first);
    const Buffer other = pool.acquire(1500);
    EXPECT_EQ(pool.hits(), 1U);
    EXPECT_NEAR(pool.hit_rate(), 1.0 / 3, 1e-9);
}

TEST(BufferPool, KeepsNoMoreThanItIsTold)
{
    Counted upstream;
    BufferPool pool({.largest = KiB(64), .keep = KiB(100)}, &upstream);
    {
        const Buffer one = pool.acquire(KiB(64));
        const Buffer two = pool.acquire(KiB(64));
        const Buffer large = pool.acquire(KiB(65));
    }
    EXPECT_EQ(pool.kept(), KiB(64));
    pool.trim();
    EXPECT_EQ(upstream.statistics().in_use, 0U);
}

TEST(BufferPool, BuffersMoveAndResize)
{
    BufferPool pool;
    Buffer buffer = pool.acquire(1000);
    const std::size_t capacity = buffer.capacity();
    EXPECT_TRUE(buffer.try_resize(capacity));
    EXPECT_FALSE(buffer.try_resize(capacity + 1));
    EXPECT_EQ(buffer.bytes().size(), capacity);
    Buffer other = std::move(buffer);
    EXPECT_TRUE(other);
    other = pool.acquire(10);
    EXPECT_EQ(pool.kept(), capacity);
    other = Buffer();
    EXPECT_EQ(pool.statistics().in_use, 0U);
}

TEST(BufferPool, AlignsForDirectInput)
{
    BufferPool pool({.alignment = 4096});
    for (std::size_t bytes = 1; bytes < 20'000; bytes += 777)
        EXPECT_TRUE(test::is_aligned(pool.acquire(bytes).data(), 4096));
}

TEST(BufferPool, RefusesWhatIsTooLarge)
{
    BufferPool pool;
    EXPECT_FALSE(pool.try_acquire(SIZE_MAX));
    EXPECT_THROW(static_cast<void>(pool.acquire(SIZE_MAX / 2)), std::bad_alloc);
    EXPECT_THROW(BufferPool({.alignment = 48}), std::invalid_argument);
}

TEST(BufferPoolChecked, ReportsMisuse)
{
    const test::ThrowingMisuseHandler misuse;
    BufferPool pool({.checked = true});
    void* const block = pool.allocate(1000);
    EXPECT_EQ(misuse.of([&] { pool.deallocate(block, 999); }), Misuse::wrong_size);
    pool.deallocate(block, 1000);
    EXPECT_EQ(misuse.of([&] { pool.deallocate(block, 1000); }), Misuse::double_free);
}

} // namespace tarn
