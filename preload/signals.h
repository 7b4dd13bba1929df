// SPDX-License-Identifier: MIT
//
// Signals that end a process: a report before they do (leaks), unseen by the program.

#pragma once

#include <string_view>

namespace tarn {

/// From now on `before` is called when SIGHUP, SIGINT, SIGTERM or SIGABRT ends the process by
/// default. If that returns false, it is called again as soon as the thread has left malloc or
/// fork. The program goes on to read SIG_DFL for them, and whatever it sets wins.
void report_before_fatal_signals(bool (*before)());

/// From now on `act` is called when the signal arrives, in its handler, if the program does not set
/// a handler of its own.
void act_on_signal(int signal, void (*act)());

/// Number of a signal by its name, with or without SIG, or by its number. Errors: 0.
int signal_number(std::string_view name);

} // namespace tarn
