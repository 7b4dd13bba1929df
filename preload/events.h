// SPDX-License-Identifier: MIT
//
// The file of events=PATTERN.

#pragma once

#include "src/base/observer.h"

namespace tarn {

/// With the options: returns an observer that records if that is wanted, else `observer`.
const Observer* prepare_events(const Observer* observer);

/// From the constructor.
void start_events();

/// Writes what is recorded so far, or, at the end, the last of it.
void report_events(bool is_end);

} // namespace tarn
