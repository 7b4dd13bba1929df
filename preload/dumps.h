// SPDX-License-Identifier: MIT
//
// Profiles of a trace before the end of the process: interval=, peak=, tarn_dump_profile().

#pragma once

#include "src/base/observer.h"

namespace tarn {

/// Whether the options want some.
bool makes_dumps();

/// With the options: returns the observer that looks for them, which does what `observer` does.
const Observer* prepare_dumps(const Observer* observer);

/// From the constructor: they are counted from now on.
void start_dumps();

} // namespace tarn
