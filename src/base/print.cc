// SPDX-License-Identifier: MIT

#include "src/base/print.h"

#include <algorithm>

namespace tarn {

namespace detail {

std::string_view format_number(std::array<char, 24>& room, std::uint64_t value, unsigned base)
{
    std::size_t at = room.size();
    do {
        room[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    return {room.data() + at, room.size() - at};
}

std::string_view format_bytes(std::array<char, 24>& room, std::uint64_t bytes)
{
    static constexpr std::array<std::string_view, 5> kUnits = {" B", " KiB", " MiB", " GiB",
                                                               " TiB"};
    std::size_t unit = 0;
    std::uint64_t whole = bytes;
    std::uint64_t rest = 0;
    while (whole >= 1024 && unit + 1 < kUnits.size()) {
        rest = whole % 1024;
        whole /= 1024;
        ++unit;
    }
    FixedText<24> text;
    text << whole;
    if (unit > 0 && whole < 100) text << "." << rest * 10 / 1024;
    text << kUnits[unit];
    std::ranges::copy(text.view(), room.begin());
    return {room.data(), text.view().size()};
}

std::string_view format_percent(std::array<char, 24>& room, Percent value)
{
    FixedText<24> text;
    if (value.whole == 0) {
        text << "-";
    } else {
        // Split first: part * 1000 would overflow for parts above 2^54.
        const std::uint64_t quotient = value.part / value.whole;
        const std::uint64_t rest = value.part % value.whole;
        const auto tenths = static_cast<std::uint64_t>(1000.0 * static_cast<double>(rest) /
                                                       static_cast<double>(value.whole));
        text << quotient * 100 + tenths / 10 << "." << tenths % 10 << "%";
    }
    std::ranges::copy(text.view(), room.begin());
    return {room.data(), text.view().size()};
}

} // namespace detail

Printer& Printer::operator<<(std::string_view text)
{
    while (!text.empty()) {
        if (used_ == buffer_.size()) flush();
        const std::size_t part = std::min(text.size(), buffer_.size() - used_);
        std::copy_n(text.data(), part, buffer_.data() + used_);
        used_ += part;
        text.remove_prefix(part);
    }
    return *this;
}

Printer& Printer::operator<<(std::uint64_t number)
{
    std::array<char, 24> room;
    return *this << detail::format_number(room, number, 10);
}

Printer& Printer::operator<<(HumanBytes value)
{
    std::array<char, 24> room;
    return *this << detail::format_bytes(room, value.bytes);
}

Printer& Printer::operator<<(Percent value)
{
    std::array<char, 24> room;
    return *this << detail::format_percent(room, value);
}

Printer& Printer::operator<<(Hex value)
{
    std::array<char, 24> room;
    return *this << "0x" << detail::format_number(room, value.value, 16);
}

Printer& Printer::operator<<(Column value)
{
    const auto width = static_cast<std::size_t>(value.width < 0 ? -value.width : value.width);
    const std::size_t padding = width > value.text.size() ? width - value.text.size() : 0;
    if (value.width < 0) *this << value.text;
    for (std::size_t i = 0; i < padding; ++i)
        *this << " ";
    if (value.width >= 0) *this << value.text;
    return *this;
}

void Printer::flush()
{
    if (used_ != 0) sink_({buffer_.data(), used_});
    used_ = 0;
}

} // namespace tarn
