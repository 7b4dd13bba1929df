// SPDX-License-Identifier: MIT
//
// guard=: which blocks have pages around them that nobody may touch, as the user writes it.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "src/base/print.h"

namespace tarn {

struct GuardChoice {
    enum class Kind : std::uint8_t {
        none,
        all,
        sample, // one of `first` blocks, on average
        size,   // blocks of `first` to `last` bytes
        site,   // blocks that were allocated at the place with the number `first`
    };

    Kind kind = Kind::none;
    std::size_t first = 0;
    std::size_t last = 0;

    explicit operator bool() const { return kind != Kind::none; }
};

/// Where in its pages a block lies.
enum class GuardAlign : std::uint8_t {
    right, // ends where they end, as far as the alignment that malloc promises lets it
    word,  // likewise, with the alignment of a word
    exact, // likewise, with that of an object of the block's size: a string may begin anywhere
    left,  // begins where they begin
};

/// What guard alone stands for.
inline constexpr std::string_view kDefaultGuard = "1/5000";

/// "off", "all", "1/N", "size:N", "size:N-M" or "site:ID". False: it is none of them, and `choice`
/// is as before.
bool parse_guard(std::string_view text, GuardChoice& choice);

void print_guard(FixedText<600>& out, const GuardChoice& choice);

/// The number of a place as it is printed: eight digits.
FixedText<8> site_text(std::uint32_t site);
/// As it is printed, or with fewer digits. Errors: nullopt.
std::optional<std::uint32_t> parse_site(std::string_view text);

/// How much of a list of options is the first one: up to the separator, but for the colon that a
/// value of guard= or fail= has.
std::size_t first_option_size(std::string_view list);

} // namespace tarn
