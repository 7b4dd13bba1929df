// SPDX-License-Identifier: MIT
//
// What a trace says of the program's tags and frames.

#pragma once

#include <cstddef>
#include <cstdint>

#include "src/base/print.h"

namespace tarn {

/// Prints a table of tags, those that had the most in use first, and what became of their budgets;
/// nothing if there are none. `started_at`: milliseconds of os::clock_milliseconds().
void print_tags(Printer& out, std::size_t most_tags, std::uint64_t started_at);

/// Prints how long frames took and what was allocated in them; nothing if there are none.
/// `nanoseconds`: of a tick.
void print_frames(Printer& out, double nanoseconds);

} // namespace tarn
