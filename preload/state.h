// SPDX-License-Identifier: MIT
//
// state=PATTERN: the tables of a trace in a file. See tracer/state_file.h.

#pragma once

#include <cstdint>

namespace tarn {

/// With the options, before anything is traced and before the heap has its fork handlers: those
/// here are to run while it is held. `started_at`: as the report says it, milliseconds of
/// os::clock_milliseconds().
void prepare_state(std::uint64_t started_at);

/// From the constructor.
void start_state();

} // namespace tarn
