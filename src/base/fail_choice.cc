// SPDX-License-Identifier: MIT

#include "src/base/fail_choice.h"

#include <optional>

#include "src/base/guard_choice.h"
#include "src/base/quantity.h"
#include "src/base/text.h"

namespace tarn {

namespace {

constexpr std::size_t kDigits = 6; // of a millionth

/// "0.01" or "1%", in millionths. Errors: nullopt, also for what is less than one or more than all.
std::optional<std::size_t> parse_rate(std::string_view text)
{
    const bool is_percent = !text.empty() && text.back() == '%';
    if (is_percent) text = slice(text, 0, text.size() - 1);
    const std::size_t point = text.find('.');
    const std::optional<std::size_t> whole = parse_count(slice(text, 0, point), 100);
    if (!whole) return std::nullopt;
    std::size_t millionths = *whole * kMillion;
    if (point != std::string_view::npos) {
        const std::string_view digits = slice(text, point + 1);
        std::optional<std::size_t> fraction = parse_count(digits, kMillion);
        if (!fraction || digits.size() > kDigits) return std::nullopt;
        for (std::size_t i = digits.size(); i < kDigits; ++i)
            *fraction *= 10;
        millionths += *fraction;
    }
    if (is_percent) millionths /= 100;
    return millionths != 0 && millionths <= kMillion ? std::optional(millionths) : std::nullopt;
}

void print_rate(FixedText<600>& out, std::size_t millionths)
{
    if (millionths == kMillion) {
        out << "1";
        return;
    }
    out << "0.";
    for (std::size_t unit = kMillion / 10; millionths != 0; unit /= 10) {
        out << std::uint64_t{millionths / unit};
        millionths %= unit;
    }
}

std::optional<FailChoice> parse_range(std::string_view text)
{
    const std::size_t dash = text.find('-');
    const std::optional<std::size_t> first = parse_quantity(slice(text, 0, dash), kNoUnit);
    const std::optional<std::size_t> last =
        dash == std::string_view::npos ? first : parse_quantity(slice(text, dash + 1), kNoUnit);
    if (!first || !last || *first == 0 || *first > *last) return std::nullopt;
    return FailChoice{.kind = FailChoice::Kind::range, .first = *first, .last = *last};
}

std::optional<FailChoice> parsed(std::string_view text)
{
    if (text == "off") return FailChoice{};
    if (text == "each-site") return FailChoice{.kind = FailChoice::Kind::each_site};
    if (has_prefix(text, "rate=")) {
        const std::optional<std::size_t> rate = parse_rate(slice(text, 5));
        if (!rate) return std::nullopt;
        return FailChoice{.kind = FailChoice::Kind::rate, .first = *rate};
    }
    if (has_prefix(text, "site:")) {
        const std::optional<std::uint32_t> site = parse_site(slice(text, 5));
        if (!site) return std::nullopt;
        return FailChoice{.kind = FailChoice::Kind::site, .first = *site};
    }
    return parse_range(text);
}

} // namespace

bool parse_fail(std::string_view text, FailChoice& choice)
{
    const std::optional<FailChoice> read = parsed(text);
    if (read) choice = *read;
    return read.has_value();
}

void print_fail(FixedText<600>& out, const FailChoice& choice)
{
    switch (choice.kind) {
    case FailChoice::Kind::none:
        out << "off";
        break;
    case FailChoice::Kind::range:
        out << std::uint64_t{choice.first};
        if (choice.last != choice.first) out << "-" << std::uint64_t{choice.last};
        break;
    case FailChoice::Kind::rate:
        out << "rate=";
        print_rate(out, choice.first);
        break;
    case FailChoice::Kind::each_site:
        out << "each-site";
        break;
    case FailChoice::Kind::site:
        out << "site:" << site_text(static_cast<std::uint32_t>(choice.first)).view();
        break;
    }
}

} // namespace tarn
