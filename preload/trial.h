// SPDX-License-Identifier: MIT
//
// Trials: an allocation fails in a copy of the process, while the process itself waits to see how
// the copy ends, and then goes on as if nothing had happened.
//
// The copy goes on with the same code. The program's own handlers for fork do not run: they may
// take locks that are held around malloc (perl's do). Its output and what we would report goes
// nowhere, its input is empty.

#pragma once

#include "tracer/failure_report.h"

namespace tarn {

/// One at a time. False: another thread is at it. Requires: on no slow path.
bool begin_trial();

/// If `is_wanted`, makes the copy. Returns true in the copy, where the allocation is to fail.
bool end_trial(const Refusal& refusal, bool is_wanted);

/// Says what came of them all. Returns whether a copy has crashed.
bool report_all_trials();

/// In a forked child.
void forget_trials();

} // namespace tarn
