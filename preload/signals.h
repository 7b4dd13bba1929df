// SPDX-License-Identifier: MIT
//
// Signals that end a process: a report before they do (leaks), unseen by the program.

#pragma once

namespace tarn {

/// From now on `before` is called when SIGHUP, SIGINT, SIGTERM or SIGABRT ends the process by
/// default. If that returns false, it is called again as soon as the thread has left malloc or
/// fork. The program goes on to read SIG_DFL for them, and whatever it sets wins.
void report_before_fatal_signals(bool (*before)());

} // namespace tarn
