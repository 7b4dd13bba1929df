// SPDX-License-Identifier: MIT
//
// That such blocks are no leaks is tests/leaks/leaks_are_found_in_known_shapes.py.

#include "tracer/interior_pointers.h"

#include <array>

#include <gtest/gtest.h>

namespace tarn {

namespace {

struct Base {
    Base() = default;
    Base(const Base&) = delete;
    Base& operator=(const Base&) = delete;
    virtual ~Base() = default;
    std::uintptr_t word = 1;
};

struct Other {
    Other() = default;
    Other(const Other&) = delete;
    Other& operator=(const Other&) = delete;
    virtual ~Other() = default;
    std::uintptr_t word = 2;
};

struct Both : Base, Other {};

class Interior : public testing::Test {
protected:
    void SetUp() override { ASSERT_TRUE(signs_.find_functions()); }

    /// Whether a pointer to word `number` of a block with these words holds it.
    template <std::size_t kSize>
    bool hold(const std::array<std::uintptr_t, kSize>& block, std::size_t number)
    {
        const auto start = reinterpret_cast<std::uintptr_t>(block.data());
        const MemoryRange range{start, start + sizeof block};
        const bool result = signs_.hold(range, start + number * sizeof(std::uintptr_t), true);
        EXPECT_EQ(signs_.hold(range, start + number * sizeof(std::uintptr_t), false), result);
        return result;
    }

    InteriorPointers signs_;
};

TEST_F(Interior, AreThoseBehindTheCountOfAnArray)
{
    EXPECT_TRUE(hold<4>({3, 0, 0, 0}, 1)) << "three elements of a word each";
    EXPECT_TRUE(hold<4>({8, 0, 0, 0}, 1)) << "eight of three bytes";
    EXPECT_TRUE(hold<4>({24, 0, 0, 0}, 1));
    EXPECT_FALSE(hold<4>({0, 0, 0, 0}, 1));
    EXPECT_FALSE(hold<4>({5, 0, 0, 0}, 1)) << "24 bytes are no five elements";
    EXPECT_FALSE(hold<4>({25, 0, 0, 0}, 1));
    EXPECT_FALSE(hold<4>({3, 0, 0, 0}, 2)) << "the count is right in front";
}

TEST_F(Interior, AreThoseBehindTheHeadOfAnOldString)
{
    EXPECT_TRUE(hold<5>({7, 15, 0, 0, 0}, 3)) << "length, capacity, references; 15 and the null";
    EXPECT_TRUE(hold<5>({15, 15, 0, 0, 0}, 3));
    EXPECT_FALSE(hold<5>({16, 15, 0, 0, 0}, 3)) << "it is longer than there is room";
    EXPECT_FALSE(hold<5>({7, 14, 0, 0, 0}, 3)) << "the block is larger";
    EXPECT_FALSE(hold<5>({7, 15, 0, 0, 0}, 2));
}

TEST_F(Interior, AreThoseToAFurtherBase)
{
    Both object;
    const auto start = reinterpret_cast<std::uintptr_t>(&object);
    const MemoryRange block{start, start + sizeof object};
    const auto second = reinterpret_cast<std::uintptr_t>(static_cast<Other*>(&object));
    ASSERT_EQ(second, start + 2 * sizeof(std::uintptr_t));
    EXPECT_TRUE(signs_.hold(block, second, true));
    EXPECT_FALSE(signs_.hold(block, second + sizeof(std::uintptr_t), true)) << "that is a member";

    const auto table = *reinterpret_cast<const std::uintptr_t*>(second);
    EXPECT_FALSE((hold<4>({1, 1, table, 2}, 2))) << "the first base has no functions";
    EXPECT_FALSE((hold<4>({table, 1, 1, 2}, 2)));
    EXPECT_TRUE((hold<4>({table, 1, table, 2}, 2)));
    // What leads to functions, but can be written to, is no compiler's.
    static std::uintptr_t own_table = *reinterpret_cast<const std::uintptr_t*>(table);
    const auto writable = reinterpret_cast<std::uintptr_t>(&own_table);
    EXPECT_FALSE((hold<4>({writable, 1, table, 2}, 2)));
}

TEST_F(Interior, AreNotThoseThatAreNotAligned)
{
    const std::array<std::uintptr_t, 4> block{3, 0, 0, 0};
    const auto start = reinterpret_cast<std::uintptr_t>(block.data());
    EXPECT_FALSE(signs_.hold({start, start + sizeof block}, start + 4, true));
    EXPECT_FALSE(signs_.hold({start, start + sizeof block}, start + sizeof block, true));
}

} // namespace

} // namespace tarn
