// SPDX-License-Identifier: MIT
//
// What reports for programs to read have in common. tracer/README.md describes it.

#pragma once

#include "src/base/json.h"
#include "tracer/call_names.h"

namespace tarn {

/// Members of an object: `executable` and `arguments` of this process.
void write_json_process(JsonWriter& json);

/// The frames of a stack, an array; each on a line of its own if lines may be broken.
void write_json_stack(JsonWriter& json, const CallNames& names, TraceId trace);

} // namespace tarn
