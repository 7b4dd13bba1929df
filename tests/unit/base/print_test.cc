// SPDX-License-Identifier: MIT

#include "src/base/print.h"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace tarn {

namespace {

constexpr std::uint64_t kLargest = std::numeric_limits<std::uint64_t>::max();

std::vector<std::string> parts;

void collect(std::string_view text)
{
    parts.emplace_back(text);
}

/// Everything that `print` hands to a Printer, in one piece.
template <class Print> std::string printed(Print print)
{
    parts.clear();
    {
        Printer out(collect);
        print(out);
    }
    std::string whole;
    for (const std::string& part : parts)
        whole += part;
    return whole;
}

template <class Value> std::string text_of(Value value)
{
    const std::string by_printer = printed([&](Printer& out) { out << value; });
    FixedText<100> fixed;
    fixed << value;
    EXPECT_EQ(by_printer, fixed.view());
    return by_printer;
}

TEST(Printer, HandsItsTextOutWhenItIsDestroyed)
{
    EXPECT_EQ(printed([](Printer& out) {
                  out << "one " << std::string_view("two ") << std::uint64_t{3};
                  EXPECT_TRUE(parts.empty());
              }),
              "one two 3");
    EXPECT_EQ(parts.size(), 1U);
}

TEST(Printer, CallsNoSinkWithoutText)
{
    EXPECT_EQ(printed([](Printer& out) { out << ""; }), "");
    EXPECT_TRUE(parts.empty());
}

TEST(Printer, KeepsTheOrderOfTextLongerThanItsBuffer)
{
    std::string expected;
    const std::string whole = printed([&](Printer& out) {
        for (std::uint64_t i = 0; i < 2000; ++i) {
            out << i << ",";
            expected += std::to_string(i) + ",";
        }
        const std::string block(5000, 'x');
        out << block;
        expected += block;
    });
    EXPECT_EQ(whole, expected);
    EXPECT_GT(parts.size(), 5U);
}

TEST(Printer, PrintsNumbersFromZeroToTheLargest)
{
    EXPECT_EQ(text_of(std::uint64_t{0}), "0");
    EXPECT_EQ(text_of(std::uint64_t{1234567890}), "1234567890");
    EXPECT_EQ(text_of(kLargest), "18446744073709551615");
}

TEST(Printer, PrintsHexadecimalWithItsPrefix)
{
    const auto hex = [](std::uint64_t value) {
        return printed([=](Printer& out) { out << Hex{value}; });
    };
    EXPECT_EQ(hex(0), "0x0");
    EXPECT_EQ(hex(0x7fff12345678), "0x7fff12345678");
    EXPECT_EQ(hex(kLargest), "0xffffffffffffffff");
}

TEST(Printer, PrintsByteCountsInTheLargestFittingUnit)
{
    EXPECT_EQ(text_of(HumanBytes{0}), "0 B");
    EXPECT_EQ(text_of(HumanBytes{17}), "17 B");
    EXPECT_EQ(text_of(HumanBytes{1023}), "1023 B");
    EXPECT_EQ(text_of(HumanBytes{1024}), "1.0 KiB");
    EXPECT_EQ(text_of(HumanBytes{1024 + 512}), "1.5 KiB");
    EXPECT_EQ(text_of(HumanBytes{(100U << 10) - 1}), "99.9 KiB");
    EXPECT_EQ(text_of(HumanBytes{100U << 10}), "100 KiB");
    EXPECT_EQ(text_of(HumanBytes{(1U << 20) - 1}), "1023 KiB");
    EXPECT_EQ(text_of(HumanBytes{3ULL << 29}), "1.5 GiB");
    EXPECT_EQ(text_of(HumanBytes{1ULL << 40}), "1.0 TiB");
    EXPECT_EQ(text_of(HumanBytes{kLargest}), "16777215 TiB");
}

TEST(Printer, PrintsPercentWithOneDigitAndADashForNothing)
{
    EXPECT_EQ(text_of(Percent{0, 0}), "-");
    EXPECT_EQ(text_of(Percent{5, 0}), "-");
    EXPECT_EQ(text_of(Percent{0, 7}), "0.0%");
    EXPECT_EQ(text_of(Percent{1, 3}), "33.3%");
    EXPECT_EQ(text_of(Percent{999, 1000}), "99.9%");
    EXPECT_EQ(text_of(Percent{7, 7}), "100.0%");
    EXPECT_EQ(text_of(Percent{5, 2}), "250.0%");
    EXPECT_EQ(text_of(Percent{kLargest, kLargest}), "100.0%");
    EXPECT_EQ(text_of(Percent{kLargest / 2, kLargest}), "50.0%");
}

TEST(Printer, AlignsColumnsAndNeverCutsThem)
{
    const auto column = [](std::string_view text, int width) {
        return printed([=](Printer& out) { out << Column{text, width} << "|"; });
    };
    EXPECT_EQ(column("ab", 5), "   ab|");
    EXPECT_EQ(column("ab", -5), "ab   |");
    EXPECT_EQ(column("abcdef", 3), "abcdef|");
    EXPECT_EQ(column("abcdef", -3), "abcdef|");
    EXPECT_EQ(column("", 2), "  |");
}

TEST(FixedText, DropsWhatDoesNotFit)
{
    FixedText<4> text;
    text << "abc"
         << "def" << std::uint64_t{5};
    EXPECT_EQ(text.view(), "abcd");
}

TEST(FixedText, CutsItsLastByteForTheTerminatingZero)
{
    FixedText<4> full;
    full << "abcd";
    EXPECT_STREQ(full.c_str(), "abc");
    FixedText<4> roomy;
    roomy << "ab";
    EXPECT_STREQ(roomy.c_str(), "ab");
    EXPECT_EQ(roomy.view(), "ab");
}

} // namespace

} // namespace tarn
