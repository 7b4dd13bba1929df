// SPDX-License-Identifier: MIT
//
// The figures of a whole run held against those that it may have: limit_peak=, limit_allocs=,
// baseline=.

#pragma once

namespace tarn {

/// At the end of the process. Says which were exceeded, and where most is allocated. Returns 0, or
/// the exit status that the process is to have.
int check_limits();

} // namespace tarn
