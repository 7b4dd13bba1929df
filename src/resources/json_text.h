// SPDX-License-Identifier: MIT
//
// Texts of programs in the JSON of statistics.

#pragma once

#include <string>
#include <string_view>

namespace tarn::detail {

/// The text in quotes, valid whatever bytes it has. Errors: std::bad_alloc.
std::string json_text(std::string_view text);

} // namespace tarn::detail
