// SPDX-License-Identifier: MIT
//
// Numbers in the values of options.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace tarn {

constexpr char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_ignoring_case(std::string_view a, std::string_view b);

struct Unit {
    std::string_view suffix;
    std::size_t factor;
};

/// For a number alone.
inline constexpr std::array<Unit, 1> kNoUnit{{{"", 1}}};

/// Reads leading digits off `text`; none, or a number over 64 bits: nullopt.
std::optional<std::size_t> take_number(std::string_view& text);

/// A number with one of the units behind it.
std::optional<std::size_t> parse_quantity(std::string_view text, std::span<const Unit> units);

/// Bytes, with k, m, g, t as powers of 1024.
std::optional<std::size_t> parse_size(std::string_view text);

/// A number without a unit, up to `most`.
std::optional<std::size_t> parse_count(std::string_view text, std::size_t most);

/// Up to eight digits of either case, without 0x.
std::optional<std::uint32_t> parse_hexadecimal(std::string_view text);

} // namespace tarn
