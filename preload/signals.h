// SPDX-License-Identifier: MIT
//
// Signals that end a process: a report before they do (leaks), unseen by the program.

#pragma once

#include <csignal>
#include <string_view>

namespace tarn {

/// From now on `before` is called when SIGHUP, SIGINT, SIGTERM or SIGABRT ends the process by
/// default. If that returns false, it is called again as soon as the thread has left malloc or
/// fork. The program goes on to read SIG_DFL for them, and whatever it sets wins.
void report_before_fatal_signals(bool (*before)());

/// What is done with a fault before the program's own handler, if it has one, which `has_handler`
/// says. True: that is all, the program goes on where it was.
using FaultFilter = bool (*)(int signal, siginfo_t* info, void* context, bool has_handler);

/// From now on `filter` is called for SIGSEGV and SIGBUS, where they would end the process by
/// default; with `is_first` also where the program has a handler. The program goes on to read what
/// it has set itself. If the filter does not take the fault, what would have been happens.
void filter_faults(FaultFilter filter, bool is_first);

/// What report_before_fatal_signals() has set, if SIGABRT would end the process by it.
void report_before_abort();

/// From now on `act` is called when the signal arrives that `option` names, in its handler, if the
/// program does not set a handler of its own. `name`: with or without SIG, or a number; empty:
/// none. Errors: a line on standard error, there is no such signal to be caught.
void act_on_signal(std::string_view option, std::string_view name, void (*act)());

} // namespace tarn
