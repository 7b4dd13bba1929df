// SPDX-License-Identifier: MIT

#include "src/checks/canary.h"

#include <array>
#include <bit>
#include <utility>

#include <gtest/gtest.h>

namespace tarn {

namespace {

constexpr std::size_t kRoom = 512;

/// A block with `front` bytes in front of `size`, in so much room.
struct Block {
    Block(std::size_t front, std::size_t size, std::size_t room) : front(front)
    {
        record.front_shift = static_cast<std::uint8_t>(std::countr_zero(front));
        record.size = size;
        place = {&record, reinterpret_cast<std::uintptr_t>(bytes.data()), room};
    }

    std::uint8_t* start() { return bytes.data() + front; }

    std::size_t front;
    BlockRecord record{};
    CheckedPlace place;
    alignas(64) std::array<std::uint8_t, 2 * kRoom> bytes{};
};

class Canary : public testing::Test {
protected:
    void SetUp() override { canary::initialise(); }
};

TEST_F(Canary, IsAnotherInEachProcessAndOfEachBlock)
{
    const std::uint64_t before = canary::word_of(0x1000);
    EXPECT_NE(before, canary::word_of(0x1010));
    canary::initialise();
    EXPECT_NE(before, canary::word_of(0x1000));
}

TEST_F(Canary, LeavesTheBlockAndWhatFollowsAlone)
{
    for (std::size_t size = 0; size < 100; ++size) {
        const std::size_t room = round_up(16 + size + 1, 16); // as of a heap's block
        Block block(16, size, room);
        canary::fill(block.place);
        for (std::size_t i = 0; i < size; ++i)
            ASSERT_EQ(block.start()[i], 0) << i << " of " << size;
        for (std::size_t i = room; i < room + 100; ++i)
            ASSERT_EQ(block.bytes[i], 0) << i << " behind " << size;
        EXPECT_NE(block.start()[size], 0);
        EXPECT_NE(block.bytes[0], 0);
    }
}

/// Every byte in front and behind, one at a time.
TEST_F(Canary, NoticesEveryByte)
{
    for (const std::size_t front : {16, 32, 64, 256}) {
        for (const std::size_t size : {0, 1, 7, 8, 15, 16, 40, 100}) {
            for (const std::size_t tail : {1, 2, 7, 8, 13, 64, 90}) {
                Block block(front, size, front + size + tail);
                canary::fill(block.place);
                EXPECT_FALSE(canary::check_front(block.place));
                EXPECT_FALSE(canary::check_back(block.place));
                const auto noticed = [&](std::uint8_t* at, auto check) {
                    const std::uint8_t before = std::exchange(*at, std::uint8_t{0});
                    const Change change = check(block.place);
                    *at = before;
                    return change.start == reinterpret_cast<std::uintptr_t>(at) &&
                           change.size == 1 && change.expected == before;
                };
                const std::size_t in_words = 16 - (front + size) % 8;
                for (std::size_t i = 0; i < std::min(tail, in_words); ++i)
                    ASSERT_TRUE(noticed(block.start() + size + i, canary::check_back));
                for (std::size_t i = 1; i <= canary::kFront; ++i)
                    ASSERT_TRUE(noticed(block.start() - i, canary::check_front));
            }
        }
    }
}

TEST_F(Canary, TellsFromTheFirstByteToTheLast)
{
    Block block(16, 21, 100);
    canary::fill(block.place);
    block.start()[25] = 0;
    block.start()[30] = 0;
    const Change change = canary::check_back(block.place);
    EXPECT_EQ(change.start, block.place.end() + 4);
    EXPECT_EQ(change.size, 6U);
    EXPECT_FALSE(canary::check_front(block.place));
}

TEST_F(Canary, IsAnotherAtEachAddressAndInEachProcess)
{
    Block block(64, 0, 64 + 64);
    Block other(64, 0, 64 + 64);
    canary::fill(block.place);
    canary::fill(other.place);
    EXPECT_NE(block.bytes, other.bytes);
    const auto first = block.bytes;
    canary::initialise(); // as another process would
    canary::fill(block.place);
    EXPECT_NE(first, block.bytes);
}

} // namespace

} // namespace tarn
