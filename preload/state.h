// SPDX-License-Identifier: MIT
//
// state=PATTERN: the tables of a trace in a file. See tracer/state_file.h.

#pragma once

#include <sys/types.h>

namespace tarn {

/// With the options, before anything is traced and before the heap has its fork handlers: those
/// here are to run while it is held.
void prepare_state();

/// From the constructor.
void start_state();

/// libc's _Fork(), which ours stands in front of. Null: before start_state(), or it has none (it
/// came with glibc 2.34).
using BareFork = pid_t();
BareFork* bare_fork();

} // namespace tarn
