// SPDX-License-Identifier: MIT
//
// A report of misuse in one line, without stacks.

#pragma once

#include "src/base/check_error.h"
#include "src/base/print.h"

namespace tarn {

/// Writes what the checks have found, who the process is, and no more. Neither allocates nor starts
/// anything.
void report_check_in_line(const CheckError& error, TextSink sink);

} // namespace tarn
