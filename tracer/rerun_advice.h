// SPDX-License-Identifier: MIT
//
// What to run to have an error stopped where it happens, instead of found out later.

#pragma once

#include "src/base/check_error.h"
#include "src/base/print.h"

namespace tarn {

/// Prints a line with the command, if there is one for such an error: the same program with guards
/// around the blocks of that place.
void print_rerun_advice(Printer& out, const CheckError& error);
/// The command alone, or nothing.
void print_guard_command(Printer& out, const CheckError& error);

/// The preload and the command of this process, as a shell reads them.
void print_rerun_command(Printer& out);

} // namespace tarn
