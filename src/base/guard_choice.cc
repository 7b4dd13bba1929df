// SPDX-License-Identifier: MIT

#include "src/base/guard_choice.h"

#include <algorithm>
#include <array>

#include "src/base/quantity.h"
#include "src/base/text.h"

namespace tarn {

namespace {

constexpr std::string_view kSeparators = ",: ";
constexpr std::array<std::string_view, 3> kWithColon{"guard=size", "guard=site", "fail=site"};

} // namespace

std::optional<std::uint32_t> parse_site(std::string_view text)
{
    return parse_hexadecimal(text);
}

namespace {

bool parse_sizes(std::string_view text, GuardChoice& choice)
{
    const std::size_t dash = text.find('-');
    const std::optional<std::size_t> first = parse_size(slice(text, 0, dash));
    const std::optional<std::size_t> last =
        dash == std::string_view::npos ? first : parse_size(slice(text, dash + 1));
    if (!first || !last || *first > *last) return false;
    choice = {.kind = GuardChoice::Kind::size, .first = *first, .last = *last};
    return true;
}

bool parse_sample(std::string_view text, GuardChoice& choice)
{
    constexpr std::size_t kMost = 1'000'000'000;
    const std::optional<std::size_t> number = parse_count(text, kMost);
    if (!number || *number == 0) return false;
    choice = {.kind = GuardChoice::Kind::sample, .first = *number};
    if (*number == 1) choice.kind = GuardChoice::Kind::all;
    return true;
}

} // namespace

bool parse_guard(std::string_view text, GuardChoice& choice)
{
    if (text == "all") {
        choice = {.kind = GuardChoice::Kind::all};
        return true;
    }
    if (text == "off") {
        choice = {};
        return true;
    }
    if (has_prefix(text, "1/")) return parse_sample(slice(text, 2), choice);
    if (has_prefix(text, "size:")) return parse_sizes(slice(text, 5), choice);
    if (!has_prefix(text, "site:")) return false;
    const std::optional<std::uint32_t> site = parse_site(slice(text, 5));
    if (!site) return false;
    choice = {.kind = GuardChoice::Kind::site, .first = *site};
    return true;
}

void print_guard(FixedText<600>& out, const GuardChoice& choice)
{
    switch (choice.kind) {
    case GuardChoice::Kind::none:
        out << "off";
        break;
    case GuardChoice::Kind::all:
        out << "all";
        break;
    case GuardChoice::Kind::sample:
        out << "1/" << std::uint64_t{choice.first};
        break;
    case GuardChoice::Kind::size:
        out << "size:" << std::uint64_t{choice.first} << "-" << std::uint64_t{choice.last};
        break;
    case GuardChoice::Kind::site:
        out << "site:" << site_text(static_cast<std::uint32_t>(choice.first)).view();
        break;
    }
}

FixedText<8> site_text(std::uint32_t site)
{
    constexpr std::string_view kDigits = "0123456789abcdef";
    FixedText<8> text;
    for (int shift = 28; shift >= 0; shift -= 4)
        text << slice(kDigits, site >> static_cast<unsigned>(shift) & 15U, 1);
    return text;
}

std::size_t first_option_size(std::string_view list)
{
    const std::size_t end = std::min(list.find_first_of(kSeparators), list.size());
    const bool goes_on = std::ranges::any_of(
        kWithColon, [first = slice(list, 0, end)](std::string_view with) { return first == with; });
    if (!goes_on || slice(list, end, 1) != ":") return end;
    return std::min(list.find_first_of(kSeparators, end + 1), list.size());
}

} // namespace tarn
