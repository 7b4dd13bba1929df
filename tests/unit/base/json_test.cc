// SPDX-License-Identifier: MIT

#include "src/base/json.h"

#include <array>
#include <cstdint>
#include <string>

#include <gtest/gtest.h>

namespace tarn {

namespace {

std::string written;

void collect(std::string_view text)
{
    written += text;
}

template <class Write> std::string json(Write write)
{
    written.clear();
    {
        JsonWriter writer(collect);
        write(writer);
    }
    return written;
}

std::string text_as_json(std::string_view text)
{
    return json([&](JsonWriter& writer) { writer.text(text); });
}

TEST(JsonWriter, KeepsToALineIfItIsToldTo)
{
    written.clear();
    {
        JsonWriter writer(collect, JsonWriter::Lines::one);
        writer.begin_array().line_break().integer(-5).line_break().integer(INT64_MIN);
        writer.line_break().integer(7).line_break().end_array();
    }
    EXPECT_EQ(written, "[-5, -9223372036854775808, 7]");
}

TEST(JsonWriter, PutsCommasBetweenValuesOnly)
{
    EXPECT_EQ(json([](JsonWriter& out) {
                  out.begin_object().key("a").number(1).key("b").begin_array().end_array();
                  out.key("c").begin_array().number(1).text("x").begin_object().end_object();
                  out.boolean(true).end_array().key("d").boolean(false).end_object();
              }),
              R"({"a": 1, "b": [], "c": [1, "x", {}, true], "d": false})");
}

TEST(JsonWriter, BreaksLinesWhereItIsTold)
{
    EXPECT_EQ(json([](JsonWriter& out) {
                  out.begin_array().line_break().number(1).line_break().number(2);
                  out.line_break().end_array();
              }),
              "[\n1,\n2\n]");
}

TEST(JsonWriter, WritesNumbersAddressesAndBytes)
{
    const std::array bytes{std::byte{0x0F}, std::byte{0xA0}};
    EXPECT_EQ(json([&](JsonWriter& out) {
                  out.begin_array().number(~std::uint64_t{0}).address(0x7F12);
                  out.hexadecimal(bytes).hexadecimal({}).end_array();
              }),
              R"([18446744073709551615, "0x7f12", "0fa0", ""])");
}

TEST(JsonWriter, EscapesWhatATextMayNotHold)
{
    EXPECT_EQ(text_as_json("a\"b\\c/d"), R"("a\"b\\c/d")");
    EXPECT_EQ(text_as_json({"\0\n\x1F\x7F", 4}), R"("\u0000\u000a\u001f\u007f")");
}

TEST(JsonWriter, KeepsCharactersOfUtf8)
{
    for (const std::string text :
         {"\x7E", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
          "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "ä\u20AC🌲"})
        EXPECT_EQ(text_as_json(text), "\"" + text + "\"");
}

TEST(JsonWriter, ReplacesEachByteThatIsNoUtf8)
{
    const auto expect_replaced = [](const std::string& bytes, int count) {
        std::string wanted = "\"a";
        for (int i = 0; i < count; ++i)
            wanted += "\xEF\xBF\xBD";
        EXPECT_EQ(text_as_json("a" + bytes + "b"), wanted + "b\"");
        EXPECT_EQ(text_as_json("a" + bytes), wanted + "\"") << "at the end";
    };
    expect_replaced("\x80", 1);             // in the middle of a character
    expect_replaced("\xC3", 1);             // cut off
    expect_replaced("\xE2\x82", 2);         // likewise
    expect_replaced("\xF0\x9F\x8C", 3);     // likewise
    expect_replaced("\xC0\xAF", 2);         // overlong
    expect_replaced("\xE0\x80\x80", 3);     // overlong
    expect_replaced("\xF0\x80\x80\x80", 4); // overlong
    expect_replaced("\xED\xA0\x80", 3);     // a surrogate
    expect_replaced("\xF4\x90\x80\x80", 4); // above U+10FFFF
    expect_replaced("\xF5\x80\x80\x80", 4);
    expect_replaced("\xFF\xFE", 2);
}

} // namespace

} // namespace tarn
