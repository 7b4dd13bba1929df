// SPDX-License-Identifier: MIT
//
// What is reported when the process ends, whichever way it does.

#pragma once

namespace tarn {

/// In our constructor.
void start_end_reports();

/// All that the modes have to say at the end, once. Returns the exit status: `status`, unless
/// something was found that changes it.
int report_end(int status);

} // namespace tarn
