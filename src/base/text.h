// SPDX-License-Identifier: MIT
//
// Parts of texts. std::string_view::substr() would throw, and so need libstdc++ at load;
// starts_with() calls it where nothing is inlined.

#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace tarn {

/// `count` characters from `from` on, as far as there are any.
constexpr std::string_view slice(std::string_view text, std::size_t from,
                                 std::size_t count = std::string_view::npos)
{
    from = std::min(from, text.size());
    return {text.data() + from, std::min(count, text.size() - from)};
}

constexpr bool has_prefix(std::string_view text, std::string_view prefix)
{
    return slice(text, 0, prefix.size()) == prefix;
}

/// Whether it would change what is around it where it is printed: a line break, an escape.
constexpr bool is_control(char c)
{
    constexpr char kDelete = 127;
    return (c >= 0 && c < ' ') || c == kDelete;
}

} // namespace tarn
