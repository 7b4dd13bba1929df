// SPDX-License-Identifier: MIT
//
// fail=: which allocations get no memory though there is some, as the user writes it.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "src/base/print.h"

namespace tarn {

struct FailChoice {
    enum class Kind : std::uint8_t {
        none,
        range,     // those with the numbers `first` to `last`, counted from 1
        rate,      // `first` in a million, by chance
        each_site, // the first one of each stack
        site,      // likewise, of the stacks whose place has the number `first`
    };

    Kind kind = Kind::none;
    std::size_t first = 0;
    std::size_t last = 0;

    explicit operator bool() const { return kind != Kind::none; }
    /// Whether it is decided by the stack.
    bool needs_stack() const { return kind == Kind::each_site || kind == Kind::site; }
};

inline constexpr std::size_t kMillion = 1'000'000;

/// "off", "N", "N-M", "rate=0.01", "rate=1%", "each-site" or "site:ID". False: it is none of them,
/// and `choice` is as before.
bool parse_fail(std::string_view text, FailChoice& choice);

void print_fail(FixedText<600>& out, const FailChoice& choice);

} // namespace tarn
