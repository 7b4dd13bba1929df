// SPDX-License-Identifier: MIT
//
// What a program tells LeakSanitizer by functions that it defines. They are called when a report is
// made, outside of malloc, by the thread that makes it.

#pragma once

namespace tarn {

/// By __lsan_default_suppressions(): the text of a file of suppressions, the program's; empty:
/// none.
const char* program_suppressions();

/// By __lsan_is_turned_off(): whether the end of the process is not to be reported.
bool is_turned_off_by_program();

} // namespace tarn
