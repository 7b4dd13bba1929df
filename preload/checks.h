// SPDX-License-Identifier: MIT
//
// Connects the checks of blocks with the heap, the tracer and what the options say.

#pragma once

#include <cstdint>

namespace tarn {

/// While the heap is configured: sets `settings.checks`, if the options want any.
void prepare_checks();

/// In our constructor.
void start_check_reports();

/// Whether stacks are found.
bool has_stacks_of_checks();

/// In the handler of a fault at `address`, 0: not known, of which nothing else is: reports the
/// block that the program may have written beyond until then.
void look_for_overrun(std::uintptr_t address);

/// Before the process is ended: lets other threads finish what they report, ten seconds at most.
void wait_for_reports();

/// on_error=stop: waits until somebody lets the process go on.
void stop_for_debugger();

/// Looks at all blocks once more, at the end of the program. Returns the exit status: `status`, or
/// another one if misuse was found.
int check_blocks_at_end(int status);

} // namespace tarn
