// SPDX-License-Identifier: MIT

#include "src/checks/poison.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <gtest/gtest.h>

namespace tarn {

namespace {

struct Memory {
    alignas(16) std::array<std::uint8_t, 4096> bytes{};
    std::uintptr_t start() const { return reinterpret_cast<std::uintptr_t>(bytes.data()); }
};

class Poison : public testing::Test {
protected:
    void SetUp() override { poison::set_patterns(0xA5, 0); }
};

TEST_F(Poison, FillsAsFarAsTheBlockGoes)
{
    for (const std::size_t size : {0, 1, 7, 8, 9, 100, 4000}) {
        Memory memory;
        poison::fill_allocated(memory.start(), size);
        const auto end = memory.bytes.begin() + static_cast<std::ptrdiff_t>(size);
        EXPECT_EQ(std::count(memory.bytes.begin(), end, 0xA5), static_cast<std::ptrdiff_t>(size));
        EXPECT_EQ(std::count(end, memory.bytes.end(), 0), memory.bytes.end() - end) << size;
        poison::fill_freed(memory.start(), size);
        EXPECT_EQ(std::count(end, memory.bytes.end(), 0), memory.bytes.end() - end) << size;
    }
}

TEST_F(Poison, NoticesAnyByteThatIsWritten)
{
    for (const std::uint8_t pattern : {0, 0xDD}) {
        poison::set_patterns(0xA5, pattern);
        for (const std::size_t size : {1, 7, 8, 9, 31, 64, 100}) {
            Memory memory;
            poison::fill_freed(memory.start(), size);
            EXPECT_FALSE(poison::check_freed(memory.start(), size));
            for (std::size_t i = 0; i < size; ++i) {
                const std::uint8_t before = std::exchange(memory.bytes[i], memory.bytes[i] ^ 1);
                const Change change = poison::check_freed(memory.start(), size);
                EXPECT_EQ(change.start, memory.start() + i);
                EXPECT_EQ(change.size, 1U);
                EXPECT_EQ(change.expected, before);
                memory.bytes[i] = before;
            }
            memory.bytes[size] = 1;
            EXPECT_FALSE(poison::check_freed(memory.start(), size)) << "not the block's";
        }
    }
}

TEST_F(Poison, TellsFromTheFirstByteToTheLast)
{
    Memory memory;
    poison::fill_freed(memory.start(), 100);
    memory.bytes[10] ^= 0xFF;
    memory.bytes[30] ^= 0xFF;
    const Change change = poison::check_freed(memory.start(), 100);
    EXPECT_EQ(change.start, memory.start() + 10);
    EXPECT_EQ(change.size, 21U);
}

TEST_F(Poison, NoticesAZeroAtTheStart)
{
    Memory memory;
    poison::fill_freed(memory.start(), 64);
    for (const std::size_t at : {0, 8, 16}) {
        EXPECT_NE(memory.bytes[at], 0);
        EXPECT_NE(memory.bytes[at + 7], 0);
    }
}

TEST_F(Poison, WordsAreNoAddressesAndNameTheBlock)
{
    Memory memory;
    poison::fill_freed(memory.start(), 64);
    std::uint64_t word = 0;
    std::memcpy(&word, memory.bytes.data() + 8, sizeof(word));
    EXPECT_NE(word >> 56, 0U);
    EXPECT_NE(word >> 56, 0xFFU);
    EXPECT_EQ(poison::block_of(word), memory.start());
    EXPECT_EQ(poison::block_of(word + 4095), memory.start()) << "a member of what it points to";
    EXPECT_EQ(poison::block_of(memory.start()), 0U);
    EXPECT_EQ(poison::block_of(0), 0U);
    EXPECT_EQ(poison::block_of(UINT64_MAX), 0U);
}

TEST_F(Poison, OfAByteNamesNothing)
{
    poison::set_patterns(0xA5, 0x5A);
    Memory memory;
    poison::fill_freed(memory.start(), 64);
    EXPECT_EQ(std::count(memory.bytes.begin(), memory.bytes.end(), 0x5A), 64);
    EXPECT_EQ(poison::block_of(0x5A5A5A5A5A5A5A5AU), 0U);
}

} // namespace

} // namespace tarn
