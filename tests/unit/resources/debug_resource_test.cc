// SPDX-License-Identifier: MIT
#include <set>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/debug_resource.h>

#include "src/resources/sanitizer.h"
#include "tests/unit/resources/counted.h"
#include "tests/unit/resources/misuse_handler.h"
#include "tests/unit/resources/model.h"
#include "tests/unit/support/threads.h"

namespace tarn {

RC_GTEST_PROP(DebugProperty, BlocksAreApartAndKeepTheirContents, ())
{
    test::Counted upstream;
    DebugResource debug({.keep_freed = *test::any_size(1'000'000)}, &upstream);
    test::run_against_model(debug, *test::any_steps());
    RC_ASSERT(debug.leaks().empty());
}

TEST(Debug, TellsEachMisuseApart)
{
    const test::ThrowingMisuseHandler misuse;
    DebugResource debug;
    auto* const block = static_cast<std::byte*>(debug.allocate(100));
    std::byte elsewhere[8];
    EXPECT_EQ(misuse.of([&] { debug.deallocate(block, 99); }), Misuse::wrong_size);
    EXPECT_EQ(misuse.of([&] { debug.deallocate(block, 100, 32); }), Misuse::wrong_alignment);
    EXPECT_EQ(misuse.of([&] { debug.deallocate(block + 1, 99); }), Misuse::misaligned);
    EXPECT_EQ(misuse.of([&] { debug.deallocate(elsewhere, 8); }), Misuse::not_owned);
    debug.deallocate(block, 100);
    EXPECT_EQ(misuse.of([&] { debug.deallocate(block, 100); }), Misuse::double_free);
}

TEST(DebugDeathTest, WritesBehindAndAfterABlockAreSeen)
{
    const test::ThrowingMisuseHandler misuse;
    DebugResource debug;
    auto* const block = static_cast<volatile unsigned char*>(debug.allocate(100));
    auto* const address = const_cast<unsigned char*>(block);
    if (detail::has_address_sanitizer()) { // it does, and at once
        EXPECT_DEATH(block[100] = 1, "use-after-poison");
        debug.deallocate(address, 100);
        EXPECT_DEATH(block[50] = 1, "use-after-poison");
        return;
    }
    block[100] = block[100] ^ 1U;
    EXPECT_EQ(misuse.of([&] { debug.check(); }), Misuse::overflow);
    block[100] = block[100] ^ 1U;
    debug.deallocate(address, 100);
    block[50] = block[50] ^ 1U;
    EXPECT_EQ(misuse.of([&] { debug.check(); }), Misuse::use_after_free);
    block[50] = block[50] ^ 1U;
}

TEST(Debug, NeverUsesAnAddressTwiceIfToldSo)
{
    DebugResource debug(DebugOptions::never_reuse());
    std::set<void*> seen;
    for (int i = 0; i < 1000; ++i) {
        void* const block = debug.allocate(64);
        EXPECT_TRUE(seen.insert(block).second);
        debug.deallocate(block, 64);
    }
}

TEST(Debug, KeepsNoMoreThanItIsTold)
{
    test::Counted upstream;
    DebugResource debug({.keep_freed = 1000}, &upstream);
    for (int i = 0; i < 100; ++i)
        debug.deallocate(debug.allocate(300), 300);
    EXPECT_LE(upstream.statistics().in_use, 1000U + 3 * detail::kRedzone);
}

TEST(Debug, RefusesBeyondItsLimit)
{
    DebugResource debug({.limit = 100});
    void* const block = debug.allocate(60);
    EXPECT_EQ(debug.try_allocate(41), nullptr);
    debug.deallocate(block, 60);
    debug.deallocate(debug.allocate(100), 100);
}

TEST(Debug, ListsLeaks)
{
    DebugResource debug({.report_leaks = false});
    const void* const block = debug.allocate(24, 8);
    const auto leaks = debug.leaks();
    ASSERT_EQ(leaks.size(), 1U);
    EXPECT_EQ(leaks[0].address, block);
    EXPECT_EQ(leaks[0].bytes, 24U);
    debug.release();
    EXPECT_TRUE(debug.leaks().empty());
}

TEST(DebugDeathTest, ReportsLeaksAtItsEnd)
{
    EXPECT_DEATH(
        {
            DebugResource debug({.name = "session"});
            static_cast<void>(debug.allocate(24));
        },
        "leak in resource 'session'.*size 24");
}

TEST(Debug, ServesThreads)
{
    DebugResource debug;
    test::in_threads(4, [&](std::size_t) {
        for (int i = 0; i < 500; ++i)
            debug.deallocate(debug.allocate(64), 64);
    });
    EXPECT_EQ(debug.statistics().deallocations, 2000U);
}

} // namespace tarn
