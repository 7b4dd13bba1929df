// SPDX-License-Identifier: MIT
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <tarn/arena_resource.h>
#include <tarn/failing_resource.h>

#include "tests/unit/resources/has_call.h"
#include "tests/unit/resources/misuse_handler.h"

namespace tarn {

namespace {

/// Numbers of the requests that are refused, of the first twenty.
std::vector<int> refused_of(const FailingOptions& options)
{
    FailingResource resource(options);
    std::vector<int> refused;
    for (int number = 1; number <= 20; ++number) {
        void* const block = resource.try_allocate(8);
        if (block == nullptr)
            refused.push_back(number);
        else
            resource.deallocate(block, 8);
    }
    EXPECT_EQ(resource.requests(), 20U);
    EXPECT_EQ(resource.refused(), refused.size());
    EXPECT_EQ(resource.statistics().failures, refused.size());
    return refused;
}

} // namespace

TEST(Failing, RefusesTheRequestItIsTold)
{
    EXPECT_TRUE(refused_of({}).empty());
    EXPECT_EQ(refused_of({.at = 3}), (std::vector<int>{3}));
    EXPECT_EQ(refused_of({.at = 3, .and_then = 2}), (std::vector<int>{3, 4, 5}));
    EXPECT_EQ(refused_of({.at = 19, .and_then = UINT64_MAX}), (std::vector<int>{19, 20}));
}

TEST(Failing, RefusesAtARateThatASeedRepeats)
{
    const auto some = refused_of({.rate = 0.5, .seed = 7});
    EXPECT_GT(some.size(), 3U);
    EXPECT_LT(some.size(), 17U);
    EXPECT_EQ(refused_of({.rate = 0.5, .seed = 7}), some);
    EXPECT_NE(refused_of({.rate = 0.5, .seed = 8}), some);
    EXPECT_EQ(refused_of({.rate = 1}).size(), 20U);
}

TEST(Failing, RefusesWhatIsLarge)
{
    FailingResource resource({.larger = 100});
    void* const block = resource.allocate(100);
    EXPECT_THROW(static_cast<void>(resource.allocate(101)), std::bad_alloc);
    resource.deallocate(block, 100);
}

TEST(FailEachAllocation, TakesEveryPath)
{
    int runs = 0;
    const std::uint64_t refusals = fail_each_allocation([&](std::pmr::memory_resource& resource) {
        ++runs;
        std::pmr::map<int, std::pmr::string> names(&resource);
        for (int i = 0; i < 5; ++i)
            names[i] = "longer than what a string holds within itself";
    });
    EXPECT_EQ(refusals, 10U);
    EXPECT_EQ(runs, 11);
}

namespace {

const void* asks_called = nullptr;

__attribute__((noinline)) void* asks(std::pmr::memory_resource& resource)
{
    asks_called = __builtin_return_address(0);
    void* volatile block = resource.allocate(8);
    return block;
}

void leaks_the_first(std::pmr::memory_resource& resource)
{
    void* const first = resource.allocate(8);
    void* const second = asks(resource); // if this throws, the first is lost
    resource.deallocate(second, 8);
    resource.deallocate(first, 8);
}

} // namespace

TEST(Failing, TellsTheCallsItRefused)
{
    FailingResource resource({.at = 2});
    resource.deallocate(resource.allocate(8), 8);
    EXPECT_TRUE(resource.last_refusal().calls().empty());
    EXPECT_THROW(static_cast<void>(asks(resource)), std::bad_alloc);
    const CallStack refused = resource.last_refusal();
    EXPECT_TRUE(test::has_call(&refused, asks_called)) << refused;
}

TEST(FailEachAllocation, ReportsWhoseRefusalLostMemory)
{
    static int reports = 0;
    const MisuseHandler before = set_misuse_handler([](const MisuseReport& report) {
        ++reports;
        EXPECT_TRUE(test::has_call(report.refused, asks_called));
    });
    ArenaResource arena; // takes back what is lost
    fail_each_allocation(leaks_the_first, &arena);
    set_misuse_handler(before);
    EXPECT_EQ(reports, 1);
}

TEST(FailEachAllocation, ReportsALeakOnAnErrorPath)
{
    const test::ThrowingMisuseHandler misuse;
    ArenaResource arena; // takes back what is lost
    EXPECT_EQ(misuse.of([&] { fail_each_allocation(leaks_the_first, &arena); }), Misuse::leak);
}

} // namespace tarn
