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

/// Whose trace a report is of.
struct TracedProcess {
    std::uint64_t number;
    std::string_view executable; // last component of its path
    std::string_view moment;     // that the figures are of: "at the end"
    std::uint64_t milliseconds;  // since its trace began; 0: not known
    std::size_t table_bytes;
    double nanoseconds_per_tick;
};

struct TraceReportOptions {
    std::size_t most_sites;            // in each list
    std::string_view profile;          // file to be written; empty: none
    const char* timeline;              // likewise
    std::uint64_t started_at;          // milliseconds of os::clock_milliseconds()
    const HeapView* heap;              // of the calling process
    const TracedProcess* of = nullptr; // none: the calling process, which is at its end
};

/// Writes the report to `sink`, and the profile. Neither allocates nor takes locks of libc. The
/// program may go on meanwhile; its figures are then a moment apart.
/// Cost: milliseconds, and some ten for each thousand places, of the helper's time.
void report_trace(const TraceReportOptions& options, TextSink sink);

/// The same for a program that has stack enough, and nothing to keep signals from.
void write_trace_report(const TraceReportOptions& options, TextSink sink);

} // namespace tarn
