// SPDX-License-Identifier: MIT
//
// state=PATTERN: the tables of a trace in a file. See tracer/state_file.h.

#pragma once

namespace tarn {

/// With the options, before anything is traced and before the heap has its fork handlers: those
/// here are to run while it is held.
void prepare_state();

/// From the constructor.
void start_state();

} // namespace tarn
