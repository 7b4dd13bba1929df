// SPDX-License-Identifier: MIT

#include "tracer/dwarf_expression.h"

#include <cstring>
#include <initializer_list>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

namespace tarn {

namespace {

using Bytes = std::vector<std::uint8_t>;

/// What the operations compute, with the number of each register times 1000 in it.
std::optional<std::uintptr_t> value_of(const Bytes& operations, std::uintptr_t first = 0)
{
    RegisterValues registers;
    for (std::size_t i = 0; i < registers.size(); ++i)
        registers[i] = i * 1000;
    // The length, in as many bytes as it may have; what follows is not to be read.
    Bytes expression{static_cast<std::uint8_t>(0x80U | (operations.size() & 0x7FU)),
                     static_cast<std::uint8_t>(operations.size() >> 7U)};
    expression.insert(expression.end(), operations.begin(), operations.end());
    expression.insert(expression.end(), 16, 0xff);
    std::uintptr_t result = 0;
    const auto* const start = reinterpret_cast<const std::byte*>(expression.data());
    return evaluate(start, registers, first, result) ? std::optional(result) : std::nullopt;
}

constexpr std::uintptr_t minus(std::uintptr_t number)
{
    return 0 - number;
}

Bytes operator+(Bytes a, const Bytes& b)
{
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

/// Operations that push a number of eight bytes.
Bytes push(std::uintptr_t number)
{
    Bytes bytes(9, 0x0e);
    std::memcpy(&bytes[1], &number, sizeof number);
    return bytes;
}

Bytes push(const void* address)
{
    return push(reinterpret_cast<std::uintptr_t>(address));
}

TEST(DwarfExpression, OfNothingIsWhatIsOnTheStack)
{
    EXPECT_EQ(value_of({}, 77), 77U);
    EXPECT_EQ(value_of({0x96}, 77), 77U);
}

TEST(DwarfExpression, PushesConstants)
{
    EXPECT_EQ(value_of({0x30}), 0U);
    EXPECT_EQ(value_of({0x4f}), 31U);
    EXPECT_EQ(value_of({0x08, 0xff}), 255U);
    EXPECT_EQ(value_of({0x09, 0xff}), minus(1));
    EXPECT_EQ(value_of({0x0a, 0xfe, 0xff}), 0xfffeU);
    EXPECT_EQ(value_of({0x0b, 0xfe, 0xff}), minus(2));
    EXPECT_EQ(value_of({0x0c, 0xfd, 0xff, 0xff, 0xff}), 0xfffffffdU);
    EXPECT_EQ(value_of({0x0d, 0xfd, 0xff, 0xff, 0xff}), minus(3));
    EXPECT_EQ(value_of(push(0x8877665544332211U)), 0x8877665544332211U);
    EXPECT_EQ(value_of({0x0f, 1, 0, 0, 0, 0, 0, 0, 0x80}), 0x8000000000000001U);
    EXPECT_EQ(value_of({0x03, 1, 2, 0, 0, 0, 0, 0, 0}), 0x201U);
    EXPECT_EQ(value_of({0x10, 0xe5, 0x8e, 0x26}), 624485U);
    EXPECT_EQ(value_of({0x11, 0xc0, 0xbb, 0x78}), minus(123456));
}

TEST(DwarfExpression, ReadsRegisters)
{
    EXPECT_EQ(value_of({0x70, 0}), 0U);
    EXPECT_EQ(value_of({0x77, 8}), 7008U);
    EXPECT_EQ(value_of({0x80, 0x7f}), 15999U);
    EXPECT_EQ(value_of({0x92, 7, 0x78}), 6992U);
    EXPECT_EQ(value_of({0x81, 0}), std::nullopt) << "there are seventeen";
    EXPECT_EQ(value_of({0x92, 17, 0}), std::nullopt);
}

TEST(DwarfExpression, ArrangesTheStack)
{
    const Bytes one_two_three{0x31, 0x32, 0x33};
    EXPECT_EQ(value_of({0x32, 0x12, 0x22}), 4U) << "dup";
    EXPECT_EQ(value_of(one_two_three + Bytes{0x13}), 2U) << "drop";
    EXPECT_EQ(value_of(one_two_three + Bytes{0x14}), 2U) << "over";
    EXPECT_EQ(value_of(one_two_three + Bytes{0x15, 0}), 3U) << "pick";
    EXPECT_EQ(value_of(one_two_three + Bytes{0x15, 2}), 1U);
    EXPECT_EQ(value_of(one_two_three + Bytes{0x15, 4}), std::nullopt);
    EXPECT_EQ(value_of(one_two_three + Bytes{0x16}), 2U) << "swap";
    EXPECT_EQ(value_of(one_two_three + Bytes{0x16, 0x13}), 3U);
    // "rot": the first becomes the third, the second the first, the third the second.
    EXPECT_EQ(value_of(one_two_three + Bytes{0x17}), 2U);
    EXPECT_EQ(value_of(one_two_three + Bytes{0x17, 0x13}), 1U);
    EXPECT_EQ(value_of(one_two_three + Bytes{0x17, 0x13, 0x13}), 3U);
    EXPECT_EQ(value_of({0x16}), std::nullopt) << "there is one only";
    EXPECT_EQ(value_of({0x31, 0x17}), std::nullopt);
    EXPECT_EQ(value_of({0x13, 0x12}), std::nullopt);
}

struct Binary {
    std::uint8_t code;
    std::uintptr_t a, b, result;
};

TEST(DwarfExpression, Computes)
{
    for (const Binary& one : std::initializer_list<Binary>{{0x1a, 12, 10, 8},
                                                           {0x1b, 7, 2, 3},
                                                           {0x1b, minus(7), 2, minus(3)},
                                                           {0x1c, 5, 7, minus(2)},
                                                           {0x1d, 7, 4, 3},
                                                           {0x1e, 6, 7, 42},
                                                           {0x21, 12, 10, 14},
                                                           {0x22, 5, minus(7), minus(2)},
                                                           {0x24, 1, 40, std::uintptr_t{1} << 40U},
                                                           {0x25, minus(1), 60, 15},
                                                           {0x26, minus(16), 2, minus(4)},
                                                           {0x27, 12, 10, 6},
                                                           {0x29, 3, 3, 1},
                                                           {0x29, 3, 4, 0},
                                                           {0x2a, 3, 3, 1},
                                                           {0x2a, minus(1), 1, 0},
                                                           {0x2b, 4, 3, 1},
                                                           {0x2b, 3, 3, 0},
                                                           {0x2c, minus(1), 1, 1},
                                                           {0x2c, 2, 1, 0},
                                                           {0x2d, minus(1), 1, 1},
                                                           {0x2d, 1, 1, 0},
                                                           {0x2e, 1, 2, 1},
                                                           {0x2e, 2, 2, 0}})
        EXPECT_EQ(value_of(push(one.a) + push(one.b) + Bytes{one.code}), one.result)
            << std::hex << int{one.code} << " of " << one.a << " and " << one.b;
    EXPECT_EQ(value_of({0x35, 0x1f}), minus(5)) << "neg";
    EXPECT_EQ(value_of({0x35, 0x20}), minus(6)) << "not";
    EXPECT_EQ(value_of({0x35, 0x23, 0x80, 0x01}), 133U) << "plus_uconst";
}

TEST(DwarfExpression, RefusesToDivideByZero)
{
    EXPECT_EQ(value_of({0x35, 0x30, 0x1b}), std::nullopt);
    EXPECT_EQ(value_of({0x35, 0x30, 0x1d}), std::nullopt);
}

TEST(DwarfExpression, ReadsMemoryWithCare)
{
    const std::uint64_t word = 0x8877665544332211U;
    EXPECT_EQ(value_of(push(&word) + Bytes{0x06}), word);
    EXPECT_EQ(value_of(push(&word) + Bytes{0x94, 2}), 0x2211U);
    EXPECT_EQ(value_of(push(&word) + Bytes{0x94, 8}), word);
    EXPECT_EQ(value_of(push(&word) + Bytes{0x94, 9}), std::nullopt);
    EXPECT_EQ(value_of({0x38, 0x06}), std::nullopt) << "nothing lies at 8";
}

TEST(DwarfExpression, Jumps)
{
    EXPECT_EQ(value_of({0x31, 0x2f, 1, 0, 0x32}), 1U) << "skip";
    EXPECT_EQ(value_of({0x31, 0x30, 0x28, 1, 0, 0x32}), 2U) << "bra";
    EXPECT_EQ(value_of({0x31, 0x31, 0x28, 1, 0, 0x32}), 1U);
    // 4; a: minus 1; dup; if not zero to a.
    EXPECT_EQ(value_of({0x34, 0x31, 0x1c, 0x12, 0x28, 0xfa, 0xff}), 0U);
    EXPECT_EQ(value_of({0x31, 0x2f, 0xff, 0x7f, 0x32}), 1U) << "beyond the end";
}

TEST(DwarfExpression, DoesNotRunForEver)
{
    EXPECT_EQ(value_of({0x2f, 0xfd, 0xff}), std::nullopt);
}

TEST(DwarfExpression, RefusesWhatItsStackHasNoRoomFor)
{
    EXPECT_EQ(value_of(Bytes(15, 0x31)), 1U);
    EXPECT_EQ(value_of(Bytes(16, 0x31)), std::nullopt);
}

TEST(DwarfExpression, RefusesAnEmptyStackAsResult)
{
    EXPECT_EQ(value_of({0x13}), std::nullopt);
}

TEST(DwarfExpression, RefusesOtherOperations)
{
    for (const int code : {0x00, 0x18, 0x50, 0x6f, 0x90, 0x91, 0x97, 0x9c, 0xa0, 0xe0, 0xff})
        EXPECT_EQ(value_of({static_cast<std::uint8_t>(code)}), std::nullopt) << std::hex << code;
}

} // namespace

} // namespace tarn
