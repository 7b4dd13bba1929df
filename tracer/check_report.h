// SPDX-License-Identifier: MIT
//
// The report about misuse of memory, in the layout of AddressSanitizer.

#pragma once

#include <cstdint>

#include "src/base/check_error.h"
#include "src/base/print.h"

namespace tarn {

/// Writes the report of `error`, and adds it to the file `json` if that is not null, see
/// check_json.h. Neither allocates nor takes locks of libc.
/// Cost: tens of milliseconds, of the helper's time.
void report_check(const CheckError& error, TextSink sink, const char* json);

/// What is known of an address, for a debugger: one line, or one for each stack more.
void print_description(std::uintptr_t address, const CheckedBlock& block, TextSink sink);

} // namespace tarn
