// SPDX-License-Identifier: MIT

#include "tracer/dwarf_reader.h"

#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace tarn {

namespace {

using Bytes = std::vector<std::uint8_t>;

DwarfReader reader_of(const Bytes& bytes)
{
    const auto* const start = reinterpret_cast<const std::byte*>(bytes.data());
    return {start, start + bytes.size()};
}

std::uint64_t uleb(const Bytes& bytes)
{
    DwarfReader reader = reader_of(bytes);
    const std::uint64_t value = reader.uleb();
    EXPECT_TRUE(reader.done());
    return value;
}

std::int64_t sleb(const Bytes& bytes)
{
    DwarfReader reader = reader_of(bytes);
    const std::int64_t value = reader.sleb();
    EXPECT_TRUE(reader.done());
    return value;
}

TEST(DwarfReaderTest, ReadsUnsignedNumbersOfAnyLength)
{
    EXPECT_EQ(uleb({0x00}), 0U);
    EXPECT_EQ(uleb({0x7f}), 127U);
    EXPECT_EQ(uleb({0x80, 0x01}), 128U);
    EXPECT_EQ(uleb({0xe5, 0x8e, 0x26}), 624485U);
    EXPECT_EQ(uleb({0x83, 0x80, 0x00}), 3U) << "padded";
    Bytes most(10, 0xff);
    most[9] = 0x01;
    EXPECT_EQ(uleb(most), std::numeric_limits<std::uint64_t>::max());
    Bytes padded(20, 0x80); // more than fits
    padded[0] = 0x85;
    padded[19] = 0x00;
    EXPECT_EQ(uleb(padded), 5U);
}

TEST(DwarfReaderTest, ReadsSignedNumbersOfAnyLength)
{
    EXPECT_EQ(sleb({0x3f}), 63);
    EXPECT_EQ(sleb({0x40}), -64);
    EXPECT_EQ(sleb({0x7f}), -1);
    EXPECT_EQ(sleb({0xff, 0x00}), 127);
    EXPECT_EQ(sleb({0x80, 0x7f}), -128);
    EXPECT_EQ(sleb({0xc0, 0xbb, 0x78}), -123456);
    Bytes least(10, 0x80);
    least[9] = 0x7f;
    EXPECT_EQ(sleb(least), std::numeric_limits<std::int64_t>::min());
    Bytes most(10, 0xff);
    most[9] = 0x00;
    EXPECT_EQ(sleb(most), std::numeric_limits<std::int64_t>::max());
}

TEST(DwarfReaderTest, ReadsZeroBehindTheEnd)
{
    const Bytes bytes{1, 2, 3};
    DwarfReader reader = reader_of(bytes);
    EXPECT_EQ(reader.read<std::uint32_t>(), 0U) << "is cut off";
    EXPECT_TRUE(reader.done());
    EXPECT_EQ(reader.read<std::uint64_t>(), 0U);
    EXPECT_EQ(reader.uleb(), 0U);
    EXPECT_EQ(reader.sleb(), 0);
    EXPECT_EQ(reader.position(), reinterpret_cast<const std::byte*>(bytes.data()) + 3);
}

TEST(DwarfReaderTest, EndsANumberWhereTheBytesEnd)
{
    EXPECT_EQ(uleb({0xff, 0xff}), 0x3fffU);
    EXPECT_EQ(sleb({0x81}), 1);
}

TEST(DwarfReaderTest, SkipsNoFurtherThanTheEnd)
{
    const Bytes bytes{1, 2, 3};
    DwarfReader reader = reader_of(bytes);
    reader.skip(2);
    EXPECT_EQ(reader.read<std::uint8_t>(), 3);
    reader.skip(-2);
    EXPECT_EQ(reader.read<std::uint8_t>(), 2);
    reader.skip(std::numeric_limits<std::int64_t>::max());
    EXPECT_TRUE(reader.done());
}

TEST(DwarfReaderTest, ReadsPointersAsTheirEncodingSays)
{
    const Bytes four{0xfc, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};
    const auto here = reinterpret_cast<std::uintptr_t>(four.data());
    const auto pointer = [&](std::uint8_t encoding, std::uintptr_t base = 0) {
        return reader_of(four).pointer(encoding, base);
    };
    EXPECT_EQ(pointer(0x00), 0x7ffffffffffffffcU);
    EXPECT_EQ(pointer(0x02), 0xfffcU);
    EXPECT_EQ(pointer(0x03), 0xfffffffcU);
    EXPECT_EQ(pointer(0x0a), static_cast<std::uintptr_t>(-4));
    EXPECT_EQ(pointer(0x0b), static_cast<std::uintptr_t>(-4));
    EXPECT_EQ(pointer(0x1b), here - 4);
    EXPECT_EQ(pointer(0x3b, 0x1000), 0xffcU);
    EXPECT_EQ(pointer(0xff, 0x1000), 0U) << "there is none";
    const Bytes zero(8, 0);
    EXPECT_EQ(reader_of(zero).pointer(0x1b), 0U) << "zero is relative to nothing";
}

} // namespace

} // namespace tarn
