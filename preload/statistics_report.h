// SPDX-License-Identifier: MIT
//
// The statistics as a block of text for people, and as JSON with the same figures for tools.

#pragma once

#include <string_view>

#include "src/base/print.h"

namespace tarn {

void print_statistics(TextSink sink);

/// Writes the file named by `pattern`; see expand_pattern().
void write_statistics_json(std::string_view pattern);

} // namespace tarn
