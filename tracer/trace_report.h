// SPDX-License-Identifier: MIT
//
// What a trace found out: the places that allocate, for people and as a profile for pprof.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "src/base/heap_view.h"
#include "src/base/print.h"

namespace tarn {

struct TraceReportOptions {
    std::size_t most_sites;   // in each list
    std::string_view profile; // file to be written; empty: none
    const char* timeline;     // likewise
    std::uint64_t started_at; // milliseconds of os::clock_milliseconds()
    const HeapView& heap;
};

/// Writes the report to `sink`, and the profile. Neither allocates nor takes locks of libc. The
/// program may go on meanwhile; its figures are then a moment apart.
/// Cost: milliseconds, and some ten for each thousand places, of the helper's time.
void report_trace(const TraceReportOptions& options, TextSink sink);

} // namespace tarn
