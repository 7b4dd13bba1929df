// SPDX-License-Identifier: MIT
//
// Parts of texts. std::string_view::substr() would throw, and so need libstdc++ at load.

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

} // namespace tarn
