// SPDX-License-Identifier: MIT
//
// Every call of malloc, realloc and free, written to a file: so that the same calls can be made
// again under any allocator (tarn replay). See event_format.h.
//
// Each thread has a buffer, which it writes to the file when it is full. The file is opened anew
// each time. Thread safety: any thread.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "src/base/observer.h"
#include "src/base/print.h"

namespace tarn {

struct EventOptions {
    std::string_view path;  // absolute, or it follows the program's current folder
    std::size_t most_bytes; // of the file
};

/// Returns an observer that does what `observer` does, and records.
/// Requires: start_tracing() has succeeded.
const Observer* record_events(const Observer* observer, const EventOptions& options);

/// Begins the file, so that one that cannot be written is told of at the start.
void begin_event_file();

/// Writes what is in the buffers of all threads; `is_end`: for the last time, with a line to `sink`
/// that says what there is.
void write_events(bool is_end, TextSink sink);

/// In a forked child: it records nothing.
void stop_events_of_child();

} // namespace tarn
