// SPDX-License-Identifier: MIT

#include "tracer/sample_records.h"

#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/support/threads.h"
#include "tracer/arena.h"

namespace tarn {

namespace {

void make_room()
{
    static const bool is_ready = arena.initialise();
    ASSERT_TRUE(is_ready);
}

TEST(SampleRecordsTest, KeepWhatTheyWereGiven)
{
    make_room();
    static SampleRecords records;
    std::vector<std::uint32_t> numbers;
    for (std::uint32_t i = 0; i < 10000; ++i) {
        numbers.push_back(records.add(i));
        records.get(numbers.back()).birth = std::uint64_t{i} << 40U;
    }
    EXPECT_EQ(std::set(numbers.begin(), numbers.end()).size(), numbers.size());
    EXPECT_NE(numbers[0], 0U);
    for (std::uint32_t i = 0; i < 10000; ++i) {
        const SampleRecord record = records.take(numbers[i]);
        EXPECT_EQ(record.weight, i);
        EXPECT_EQ(record.birth, std::uint64_t{i} << 40U);
    }
}

TEST(SampleRecordsTest, AreUsedAgain)
{
    make_room();
    static SampleRecords records;
    const std::uint32_t number = records.add(1);
    const std::size_t used = arena.used();
    for (std::uint32_t i = 0; i < 10000; ++i) {
        records.take(number);
        ASSERT_EQ(records.add(i), number);
        ASSERT_EQ(records.get(number).birth, 0U);
    }
    EXPECT_EQ(arena.used(), used);
}

TEST(SampleRecordsTest, BelongToOneBlockEachWhateverThreadsDo)
{
    make_room();
    static SampleRecords records;
    test::in_threads(4, [](std::size_t thread) {
        for (std::uint32_t i = 0; i < 20000; ++i) {
            const auto weight = static_cast<std::uint32_t>(thread << 20U | i);
            const std::uint32_t number = records.add(weight);
            ASSERT_EQ(records.take(number).weight, weight);
        }
    });
}

} // namespace

} // namespace tarn
