// SPDX-License-Identifier: MIT
//
// The leak report for programs to read. tracer/README.md describes the format.

#pragma once

#include <cstddef>

#include "src/base/heap_view.h"
#include "src/base/print.h"
#include "tracer/leak_groups.h"

namespace tarn {

/// Counts up when what is there already changes its name or meaning, not when something is added.
inline constexpr std::uint64_t kLeakJsonFormat = 1;

struct LeakFindings {
    LeakGroups& groups;
    ReachSet show;       // classes that have groups
    std::uint32_t since; // see LeakOptions
    HeapTotals calls;
    std::size_t unstopped; // threads
};

/// Replaces the file `path`. Neither allocates nor takes locks of libc. Errors: one line to `sink`
/// or standard error.
void write_leak_json(const char* path, const LeakFindings& found, TextSink sink);

} // namespace tarn
