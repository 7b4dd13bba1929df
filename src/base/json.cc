// SPDX-License-Identifier: MIT

#include "src/base/json.h"

#include <array>

#include "src/base/text.h"

namespace tarn {

namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

/// What stands for bytes that are no character: U+FFFD.
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

unsigned byte_at(std::string_view text, std::size_t index)
{
    return index < text.size() ? static_cast<unsigned char>(text[index]) : 0;
}

/// The smallest and largest second byte after `first`, by which overlong forms, surrogates and what
/// is above U+10FFFF are told. Source: RFC 3629, section 4.
struct SecondByte {
    unsigned least = 0x80;
    unsigned most = 0xBF;
};

SecondByte second_after(unsigned first)
{
    switch (first) {
    case 0xE0:
        return {.least = 0xA0};
    case 0xED:
        return {.most = 0x9F};
    case 0xF0:
        return {.least = 0x90};
    case 0xF4:
        return {.most = 0x8F};
    default:
        return {};
    }
}

/// Of the character that begins with this byte; 0: none does.
std::size_t size_by(unsigned first)
{
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first <= 0xDF) return 2;
    if (first >= 0xE0 && first <= 0xEF) return 3;
    if (first >= 0xF0 && first <= 0xF4) return 4;
    return 0;
}

} // namespace

std::size_t detail::character_size(std::string_view text)
{
    const unsigned first = byte_at(text, 0);
    const std::size_t size = text.empty() ? 0 : size_by(first);
    if (size < 2) return size;
    const SecondByte second = second_after(first);
    if (byte_at(text, 1) < second.least || byte_at(text, 1) > second.most) return 0;
    for (std::size_t i = 2; i < size; ++i)
        if ((byte_at(text, i) & 0xC0U) != 0x80) return 0;
    return size;
}

void JsonWriter::begin_value()
{
    if (!is_first_) out_ << (breaks_ ? "," : ", ");
    if (breaks_) out_ << "\n";
    is_first_ = false;
    breaks_ = false;
}

JsonWriter& JsonWriter::begin(std::string_view bracket)
{
    begin_value();
    out_ << bracket;
    is_first_ = true;
    return *this;
}

JsonWriter& JsonWriter::end(std::string_view bracket)
{
    if (breaks_) out_ << "\n";
    breaks_ = false;
    is_first_ = false;
    out_ << bracket;
    return *this;
}

JsonWriter& JsonWriter::key(std::string_view name)
{
    begin_value();
    out_ << "\"" << name << "\": ";
    is_first_ = true; // no comma before its value
    return *this;
}

void JsonWriter::write_escaped(char c)
{
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
        out_ << "\\" << std::string_view(&c, 1);
    else if (code < 0x20 || code == 0x7F)
        out_ << "\\u00" << slice(kDigits, code / 16U, 1) << slice(kDigits, code % 16U, 1);
    else
        out_ << std::string_view(&c, 1);
}

JsonWriter& JsonWriter::text(std::string_view text)
{
    begin_value();
    out_ << "\"";
    while (!text.empty()) {
        const std::size_t size = detail::character_size(text);
        if (size == 1)
            write_escaped(text.front());
        else
            out_ << (size != 0 ? slice(text, 0, size) : kReplacement);
        text = slice(text, size != 0 ? size : 1);
    }
    out_ << "\"";
    return *this;
}

JsonWriter& JsonWriter::number(std::uint64_t number)
{
    begin_value();
    out_ << number;
    return *this;
}

JsonWriter& JsonWriter::integer(std::int64_t number)
{
    begin_value();
    if (number < 0) out_ << "-";
    const auto bits = static_cast<std::uint64_t>(number);
    out_ << (number < 0 ? 0 - bits : bits);
    return *this;
}

JsonWriter& JsonWriter::boolean(bool is_true)
{
    begin_value();
    out_ << (is_true ? "true" : "false");
    return *this;
}

JsonWriter& JsonWriter::address(std::uint64_t address)
{
    begin_value();
    out_ << "\"" << Hex{address} << "\"";
    return *this;
}

JsonWriter& JsonWriter::hexadecimal(std::span<const std::byte> bytes)
{
    begin_value();
    out_ << "\"";
    for (const std::byte byte : bytes) {
        const auto code = std::to_integer<unsigned>(byte);
        out_ << slice(kDigits, code / 16U, 1) << slice(kDigits, code % 16U, 1);
    }
    out_ << "\"";
    return *this;
}

JsonWriter& JsonWriter::line_break()
{
    breaks_ = lines_ == Lines::several;
    return *this;
}

} // namespace tarn
