// SPDX-License-Identifier: MIT
//
// Records of blocks: of those in the pools by number, of large ones by address.

#include "src/checks/block_record.h"

#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "src/heap/settings.h"
#include "src/heap/slow_path.h"
#include "tests/unit/support/heap.h"

namespace tarn {

namespace {

class Records : public testing::Test {
protected:
    static void SetUpTestSuite()
    {
        test::own_heap();
        records.initialise();
    }

    /// A block of the heap's with a record, as one that the program has.
    static CheckedPlace make(std::size_t room, std::size_t size, std::size_t front = 16)
    {
        const CheckedPlace place = records.make(allocate(room), front);
        place.record->size = size;
        place.record->state = BlockState::live;
        return place;
    }

    static void drop(const CheckedPlace& place)
    {
        records.forget(place);
        deallocate(reinterpret_cast<void*>(place.raw));
    }

    static const void* as_pointer(std::uintptr_t address)
    {
        return reinterpret_cast<const void*>(address);
    }
};

constexpr std::size_t kRooms[] = {64, 1000, KiB(5), KiB(30), KiB(40), KiB(500), MiB(1), MiB(3)};

TEST_F(Records, AreFoundByTheStartOfTheBlock)
{
    for (const std::size_t room : kRooms) {
        SCOPED_TRACE(room);
        const CheckedPlace place = make(room, room - 30);
        EXPECT_EQ(place.start(), place.raw + 16);
        EXPECT_EQ(place.end(), place.raw + 16 + room - 30);
        EXPECT_GE(place.room, room);
        EXPECT_EQ(records.at(as_pointer(place.start())).record, place.record);
        EXPECT_EQ(records.at(as_pointer(place.start())).room, place.room);
        EXPECT_FALSE(records.at(as_pointer(place.start() + 16)));
        EXPECT_FALSE(records.at(as_pointer(place.start() - 16)));
        drop(place);
    }
    EXPECT_FALSE(records.at(nullptr));
    EXPECT_FALSE(records.at(as_pointer(UINTPTR_MAX)));
}

TEST_F(Records, AreFoundByAnyAddressInTheBlock)
{
    for (const std::size_t room : kRooms) {
        SCOPED_TRACE(room);
        const CheckedPlace place = make(room, room - 30);
        for (const std::size_t offset :
             {std::size_t{0}, std::size_t{15}, std::size_t{16}, room / 2, place.room - 1})
            EXPECT_EQ(records.around(place.raw + offset).record, place.record) << offset;
        EXPECT_NE(records.around(place.raw + place.room).record, place.record);
        EXPECT_NE(records.around(place.raw - 1).record, place.record);
        drop(place);
    }
    EXPECT_FALSE(records.around(0));
}

TEST_F(Records, OfRawBlocksAreThoseInUse)
{
    for (const std::size_t room : kRooms) {
        SCOPED_TRACE(room);
        const CheckedPlace place = make(room, room - 30);
        EXPECT_EQ(records.of_raw(place.raw).record, place.record);
        EXPECT_FALSE(records.of_raw(place.raw + 16));
        place.record->state = BlockState::quarantined;
        EXPECT_FALSE(records.of_raw(place.raw));
        drop(place);
        EXPECT_FALSE(records.of_raw(place.raw));
    }
}

TEST_F(Records, OfLargeRawBlocksHaveFrontsOfAnyAlignment)
{
    for (std::size_t front = kMinAlignment; front <= MiB(2); front *= 2) {
        const CheckedPlace place = make(MiB(3), 5, front);
        EXPECT_EQ(records.of_raw(place.raw).record, place.record) << front;
        EXPECT_FALSE(records.of_raw(place.raw + front)) << front;
        drop(place);
    }
}

TEST_F(Records, StayWhenTheBlockIsFreedUnlessItIsLarge)
{
    for (const std::size_t room : kRooms) {
        SCOPED_TRACE(room);
        const CheckedPlace place = make(room, room - 30);
        const auto* const start = as_pointer(place.start());
        void* const neighbour = allocate(room); // keeps the slab
        drop(place);
        const bool is_large = room > MiB(1);
        // A run of its own went back to the page heap, with its descriptor.
        EXPECT_TRUE(!is_large || !records.at(start));
        if (room <= KiB(5)) {
            EXPECT_EQ(records.at(start).record, place.record);
            EXPECT_EQ(records.at(start).record->state, BlockState::freed);
        }
        deallocate(neighbour);
    }
}

TEST_F(Records, OfAlignedBlocksKnowTheFront)
{
    for (std::size_t front = 16; front <= 4096; front *= 2) {
        void* const raw = allocate_aligned(front + 100, front);
        const CheckedPlace place = records.make(raw, front);
        place.record->size = 90;
        place.record->state = BlockState::live;
        EXPECT_EQ(place.start(), place.raw + front);
        EXPECT_EQ(records.at(as_pointer(place.start())).record, place.record);
        EXPECT_EQ(records.around(place.raw).record, place.record);
        drop(place);
    }
}

TEST_F(Records, AreApartFromEachOther)
{
    std::vector<CheckedPlace> places;
    for (std::size_t i = 0; i < 5000; ++i) {
        places.push_back(make(40 + i % 700, i));
        if (i % 100 == 0) places.push_back(make(MiB(1) + 1 + i, 5001 + i));
    }
    for (const CheckedPlace& place : places)
        ASSERT_EQ(records.at(as_pointer(place.start())).record, place.record);
    std::size_t large = 0;
    records.for_each_large([&large](const CheckedPlace&) { ++large; });
    EXPECT_EQ(large, 50U);
    for (const CheckedPlace& place : places)
        drop(place);
    records.for_each_large([](const CheckedPlace&) { ADD_FAILURE(); });
}

TEST_F(Records, TellWhereTheyLie)
{
    std::array<MemoryRange, 4> ranges{};
    EXPECT_EQ(records.memory(ranges.data(), 0), 0U);
    const std::size_t count = records.memory(ranges.data(), ranges.size());
    const CheckedPlace place = make(40, 10);
    const auto record = reinterpret_cast<std::uintptr_t>(place.record);
    EXPECT_GE(count, 2U);
    EXPECT_TRUE(ranges[0].start <= record && record < ranges[0].end);
    drop(place);
}

} // namespace

} // namespace tarn
