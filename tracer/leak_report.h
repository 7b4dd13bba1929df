// SPDX-License-Identifier: MIT
//
// The leak report: what the scan found, for people and for the tools that read LeakSanitizer's and
// Valgrind's reports.

#pragma once

#include <cstddef>
#include <cstdint>

#include "src/base/heap_view.h"
#include "src/base/print.h"
#include "tracer/leak_copy.h"
#include "tracer/leak_groups.h"

namespace tarn {

struct LeakOptions {
    ReachSet show;
    std::size_t most_groups; // listed; what is left out is counted
    bool only_leaks;         // says nothing if there are none
    SuppressionSources suppressions;
    std::size_t least_bytes; // of an entry; those with less are counted, not listed
    bool suggests_suppressions;
    std::size_t sample_period; // bytes, of which one has a stack; 0: all
    std::uint32_t since;       // number of a mark: blocks from before it are not listed; 0: all are
    const char* json;          // file to be written as well; empty: none
    CopyOptions copy;
};

/// Finds out what the calling thread's process has lost and writes the report to `sink`: one line
/// if nothing was lost. Returns the number of blocks that are lost or lost with others.
///
/// Stops all other threads meanwhile, or until there is a copy of the process, which makes the
/// report: if it is not waited for, 0 is returned. Neither allocates nor takes locks of libc.
/// Errors: one line that says why there is no report; returns 0. Cost: a walk over all memory of
/// the process, 1 GB/s and more.
std::uint64_t report_leaks(const HeapView& heap, const LeakOptions& options, TextSink sink);

} // namespace tarn
