// SPDX-License-Identifier: MIT

#include "src/checks/quarantine.h"

#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/support/threads.h"

namespace tarn {

namespace {

constinit BlockRecord some_record{};

CheckedPlace place(std::size_t number, std::size_t room = 100)
{
    return {&some_record, number, room};
}

std::vector<std::uintptr_t> surplus(Quarantine& quarantine)
{
    std::vector<std::uintptr_t> left;
    while (const CheckedPlace oldest = quarantine.take_surplus())
        left.push_back(oldest.raw);
    return left;
}

TEST(Quarantine, TakesNothingWithoutALimit)
{
    Quarantine quarantine;
    EXPECT_FALSE(quarantine.put(place(1)));
    EXPECT_FALSE(quarantine.take_surplus());
}

TEST(Quarantine, LetsTheFirstGoFirst)
{
    Quarantine quarantine;
    quarantine.set_limit(300);
    for (const std::size_t number : {1, 2, 3})
        EXPECT_TRUE(quarantine.put(place(number)));
    EXPECT_EQ(surplus(quarantine), (std::vector<std::uintptr_t>{}));
    quarantine.put(place(4));
    EXPECT_EQ(surplus(quarantine), (std::vector<std::uintptr_t>{1}));
    quarantine.put(place(5, 250));
    EXPECT_EQ(surplus(quarantine), (std::vector<std::uintptr_t>{2, 3, 4}));
}

TEST(Quarantine, LetsABlockGoThatIsLargerThanAll)
{
    Quarantine quarantine;
    quarantine.set_limit(300);
    quarantine.put(place(1));
    quarantine.put(place(2, 1000));
    EXPECT_EQ(surplus(quarantine), (std::vector<std::uintptr_t>{1, 2}));
}

/// Their pages are given back.
TEST(Quarantine, CountsLargeBlocksAsOneMebibyte)
{
    Quarantine quarantine;
    quarantine.set_limit(MiB(3));
    for (const std::size_t number : {1, 2, 3, 4})
        quarantine.put(place(number, MiB(512)));
    EXPECT_EQ(surplus(quarantine), (std::vector<std::uintptr_t>{1}));
}

TEST(Quarantine, KeepsTheOrderWhileItGrows)
{
    Quarantine quarantine;
    quarantine.set_limit(100 * 5000);
    std::vector<std::uintptr_t> expected;
    std::vector<std::uintptr_t> left;
    for (std::size_t number = 1; number <= 20000; ++number) {
        quarantine.put(place(number));
        while (const CheckedPlace oldest = quarantine.take_surplus())
            left.push_back(oldest.raw);
    }
    for (std::size_t number = 1; number <= 15000; ++number)
        expected.push_back(number);
    EXPECT_EQ(left, expected);
    std::size_t count = 0;
    quarantine.for_each([&count](const CheckedPlace&) { ++count; });
    EXPECT_EQ(count, 5000U);
    EXPECT_EQ(quarantine.count(), 5000U);
}

TEST(Quarantine, LosesNothingBetweenThreads)
{
    Quarantine quarantine;
    quarantine.set_limit(100 * 100);
    std::atomic<std::size_t> left{0};
    test::in_threads(4, [&](std::size_t thread) {
        for (std::size_t i = 1; i <= 5000; ++i) {
            quarantine.put(place(thread * 5000 + i));
            while (quarantine.take_surplus())
                ++left;
        }
    });
    EXPECT_EQ(left, 4 * 5000U - 100);
}

} // namespace

} // namespace tarn
