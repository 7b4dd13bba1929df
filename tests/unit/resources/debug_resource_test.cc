// SPDX-License-Identifier: MIT
#include <set>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/arena_resource.h>
#include <tarn/debug_resource.h>

#include "src/resources/sanitizer.h"
#include "tests/unit/resources/counted.h"
#include "tests/unit/resources/has_call.h"
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

namespace {

// As functions of a program, which say where they were called.
const void* allocates_called = nullptr;
const void* gives_back_called = nullptr;

__attribute__((noinline)) void* allocates(std::pmr::memory_resource& resource)
{
    allocates_called = __builtin_return_address(0);
    void* volatile block = resource.allocate(24);
    return block;
}

__attribute__((noinline)) void gives_back(std::pmr::memory_resource& resource, void* block)
{
    gives_back_called = __builtin_return_address(0);
    resource.deallocate(block, 24);
    asm volatile(""); // no tail call
}

struct Told {
    Misuse kind;
    CallStack allocated;
    CallStack freed;
};
std::vector<Told> reported;

void note(const MisuseReport& report)
{
    const auto value = [](const CallStack* stack) { return stack ? *stack : CallStack{}; };
    reported.push_back({report.kind, value(report.allocated), value(report.freed)});
}

} // namespace

TEST(Debug, TellsTheCallsThatAllocatedABlockAndGaveItBack)
{
    const MisuseHandler before = set_misuse_handler(note);
    reported.clear();
    const void* first_called = nullptr;
    const void* freed_called = nullptr;
    {
        DebugResource debug;
        void* const block = allocates(debug);
        first_called = allocates_called;
        debug.deallocate(block, 23);
        gives_back(debug, block);
        freed_called = gives_back_called;
        gives_back(debug, block);
        static_cast<void>(allocates(debug));
        const auto leaks = debug.leaks();
        EXPECT_EQ(leaks.size(), 1U);
        for (const DebugResource::Leak& leak : leaks)
            EXPECT_TRUE(test::has_call(&leak.allocated, allocates_called)) << leak.allocated;
    }
    set_misuse_handler(before);
    ASSERT_EQ(reported.size(), 3U);
    EXPECT_EQ(reported[0].kind, Misuse::wrong_size);
    EXPECT_EQ(reported[1].kind, Misuse::double_free);
    EXPECT_EQ(reported[2].kind, Misuse::leak);
    EXPECT_TRUE(test::has_call(&reported[0].allocated, first_called)) << reported[0].allocated;
    EXPECT_TRUE(test::has_call(&reported[1].allocated, first_called)) << reported[1].allocated;
    EXPECT_TRUE(test::has_call(&reported[2].allocated, allocates_called));
    EXPECT_FALSE(test::has_call(&reported[2].allocated, first_called)) << "of another block";
    EXPECT_TRUE(reported[0].freed.calls().empty());
    EXPECT_TRUE(test::has_call(&reported[1].freed, freed_called)) << reported[1].freed;
    EXPECT_TRUE(reported[2].freed.calls().empty());
}

TEST(Debug, TellsTheCallsOfABlockOfNoBytesButNotThoseOfANeighbour)
{
    const MisuseHandler before = set_misuse_handler(note);
    reported.clear();
    {
        DebugResource debug({.report_leaks = false});
        void* const none = debug.allocate(0);
        debug.deallocate(none, 0);
        debug.deallocate(none, 0);
        auto* const block = static_cast<std::byte*>(debug.allocate(16));
        debug.deallocate(block + 16, 16);
    }
    set_misuse_handler(before);
    ASSERT_EQ(reported.size(), 2U);
    EXPECT_EQ(reported[0].kind, Misuse::double_free);
    EXPECT_FALSE(reported[0].allocated.calls().empty());
    EXPECT_FALSE(reported[0].freed.calls().empty());
    EXPECT_EQ(reported[1].kind, Misuse::not_owned);
    EXPECT_TRUE(reported[1].allocated.calls().empty());
}

TEST(Debug, SpendsNoDepthOnItsOwnCalls)
{
#ifdef __OPTIMIZE__
    constexpr std::size_t kDepth = 3; // allocates() returns into the last
#else
    constexpr std::size_t kDepth = 5; // std::pmr's function is one of them, and try_allocate()
#endif
    DebugResource debug({.report_leaks = false, .stack_depth = kDepth});
    static_cast<void>(allocates(debug));
    ASSERT_EQ(debug.leaks().size(), 1U);
    const CallStack allocated = debug.leaks()[0].allocated;
    EXPECT_TRUE(test::has_call(&allocated, allocates_called)) << allocated;
}

TEST(Debug, KeepsNoCallsIfToldSo)
{
    DebugResource debug({.report_leaks = false, .stack_depth = 0});
    static_cast<void>(allocates(debug));
    ASSERT_EQ(debug.leaks().size(), 1U);
    EXPECT_TRUE(debug.leaks()[0].allocated.calls().empty());
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

TEST(Debug, KnowsWhatItGaveBackIfToldSo)
{
    const test::ThrowingMisuseHandler misuse;
    for (const bool keeps : {true, false}) {
        DebugResource debug({.keep_freed = 0, .keep_records = keeps});
        void* const block = debug.allocate(64);
        void* const other = debug.allocate(64);
        debug.deallocate(block, 64);
        EXPECT_EQ(debug.statistics().reserved, 64U + detail::kRedzone) << "the memory has gone";
        EXPECT_EQ(misuse.of([&] { debug.deallocate(block, 64); }),
                  keeps ? Misuse::double_free : Misuse::not_owned);
        debug.check(); // does not look at what is not its own
        debug.release();
        EXPECT_EQ(misuse.of([&] { debug.deallocate(other, 64); }),
                  keeps ? Misuse::double_free : Misuse::not_owned);
    }
}

TEST(Debug, ForgetsWhatItGaveBackWhenAnotherBlockLiesThere)
{
    const test::ThrowingMisuseHandler misuse;
    ArenaResource arena; // so that it does
    DebugResource debug({.keep_freed = 0}, &arena);
    void* const block = debug.allocate(64);
    debug.deallocate(block, 64);
    void* const next = debug.allocate(72);
    EXPECT_EQ(next, block);
    EXPECT_EQ(misuse.of([&] { debug.deallocate(next, 72); }), std::nullopt);
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
        "leak in resource 'session'.*size 24\n  allocated by:\n    #0 0x[0-9a-f]+ "
        ".*\\+0x[0-9a-f]+\\)\n");
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
