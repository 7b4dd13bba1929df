// SPDX-License-Identifier: MIT

#include "src/base/fail_choice.h"

#include <string>

#include <gtest/gtest.h>

namespace tarn {

namespace {

/// As it is printed when it was read; "-": it was refused, and nothing changed.
std::string read_and_printed(std::string_view text)
{
    FailChoice choice{.kind = FailChoice::Kind::site, .first = 0xAB};
    if (!parse_fail(text, choice)) return choice.first == 0xAB ? "-" : "changed";
    FixedText<600> out;
    print_fail(out, choice);
    return std::string(out.view());
}

TEST(FailChoice, IsPrintedAsItIsWritten)
{
    for (const char* const text :
         {"off", "1", "17", "3-9", "18446744073709551615", "each-site", "site:0012abcd",
          "rate=0.01", "rate=0.000001", "rate=1", "rate=0.5", "rate=0.123456"})
        EXPECT_EQ(read_and_printed(text), text);
}

TEST(FailChoice, TakesPercentAndShortForms)
{
    EXPECT_EQ(read_and_printed("rate=1%"), "rate=0.01");
    EXPECT_EQ(read_and_printed("rate=0.5%"), "rate=0.005");
    EXPECT_EQ(read_and_printed("rate=100%"), "rate=1");
    EXPECT_EQ(read_and_printed("rate=0.50"), "rate=0.5");
    EXPECT_EQ(read_and_printed("5-5"), "5");
    EXPECT_EQ(read_and_printed("site:2A"), "site:0000002a");
}

TEST(FailChoice, RefusesWhatMeansNothing)
{
    for (const char* const text : {"",
                                   "0",
                                   "0-3",
                                   "4-3",
                                   "-3",
                                   "3-",
                                   "x",
                                   "1x",
                                   "rate",
                                   "rate=",
                                   "rate=0",
                                   "rate=0.0000001",
                                   "rate=1.000001",
                                   "rate=2",
                                   "rate=101%",
                                   "rate=-1",
                                   "rate=.5",
                                   "rate=1.",
                                   "rate=%",
                                   "rate=0x1",
                                   "site:",
                                   "site:123456789",
                                   "site:g",
                                   "each",
                                   "99999999999999999999"})
        EXPECT_EQ(read_and_printed(text), "-") << text;
}

} // namespace

} // namespace tarn
