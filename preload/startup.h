// SPDX-License-Identifier: MIT
//
// Start and end of the process, as libtarn.so sees them.

#pragma once

#include "src/base/options.h"

namespace tarn {

/// The options in force. Read before the first allocation is served; constant from then on.
const Options& startup_options();

} // namespace tarn
