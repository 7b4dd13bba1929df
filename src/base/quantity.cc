// SPDX-License-Identifier: MIT

#include "src/base/quantity.h"

#include <algorithm>

namespace tarn {

bool equal_ignoring_case(std::string_view a, std::string_view b)
{
    return std::ranges::equal(a, b, {}, to_lower, to_lower);
}

std::optional<std::size_t> take_number(std::string_view& text)
{
    if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
    std::size_t number = 0;
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
        const auto digit = static_cast<std::size_t>(text.front() - '0');
        if (__builtin_mul_overflow(number, 10U, &number) ||
            __builtin_add_overflow(number, digit, &number))
            return std::nullopt;
        text.remove_prefix(1);
    }
    return number;
}

std::optional<std::size_t> parse_quantity(std::string_view text, std::span<const Unit> units)
{
    std::optional<std::size_t> number = take_number(text);
    if (!number) return std::nullopt;
    for (const Unit& unit : units) {
        if (!equal_ignoring_case(text, unit.suffix)) continue;
        std::size_t scaled = 0;
        if (__builtin_mul_overflow(*number, unit.factor, &scaled)) return std::nullopt;
        return scaled;
    }
    return std::nullopt;
}

std::optional<std::size_t> parse_size(std::string_view text)
{
    static constexpr std::array<Unit, 14> kUnits{{{"", 1},
                                                  {"b", 1},
                                                  {"k", 1ULL << 10},
                                                  {"kb", 1ULL << 10},
                                                  {"kib", 1ULL << 10},
                                                  {"m", 1ULL << 20},
                                                  {"mb", 1ULL << 20},
                                                  {"mib", 1ULL << 20},
                                                  {"g", 1ULL << 30},
                                                  {"gb", 1ULL << 30},
                                                  {"gib", 1ULL << 30},
                                                  {"t", 1ULL << 40},
                                                  {"tb", 1ULL << 40},
                                                  {"tib", 1ULL << 40}}};
    return parse_quantity(text, kUnits);
}

std::optional<std::size_t> parse_count(std::string_view text, std::size_t most)
{
    const std::optional<std::size_t> number = take_number(text);
    return text.empty() && number <= most ? number : std::nullopt;
}

std::optional<std::uint32_t> parse_hexadecimal(std::string_view text)
{
    constexpr std::size_t kMostDigits = 8;
    if (text.empty() || text.size() > kMostDigits) return std::nullopt;
    std::uint32_t number = 0;
    for (const char c : text) {
        const bool is_letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (!is_letter && !(c >= '0' && c <= '9')) return std::nullopt;
        number = number << 4U | static_cast<std::uint32_t>(is_letter ? (c & 7) + 9 : c - '0');
    }
    return number;
}

} // namespace tarn
