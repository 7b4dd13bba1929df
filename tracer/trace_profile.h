// SPDX-License-Identifier: MIT
//
// The profile of a trace, which the tarn command writes.

#pragma once

#include <string_view>

#include "src/base/print.h"
#include "tracer/helper_text.h"
#include "tracer/trace_places.h"

namespace tarn {

/// Tells the helper what the sites have done: the K and T lines of command/resolve.h.
void describe_sites(HelperText& text);

/// Tells the helper what places could do instead, those that would spare the most first: the C
/// lines of command/resolve.h. Sorts the places.
void describe_advice(HelperText& text, TracePlaces& places);

/// Writes a file with what the trace has counted so far, and one line to `sink` that says so. The
/// program's other threads may go on meanwhile; the figures are then a moment apart. Neither
/// allocates nor takes locks of libc. Errors: false; the line says why.
bool write_trace_profile(std::string_view path, TextSink sink);

} // namespace tarn
