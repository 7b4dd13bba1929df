// SPDX-License-Identifier: MIT
//
// When a trace writes a profile before its end. There is neither a thread nor a timer for that:
// threads look when they allocate, each after so many blocks or bytes.

#pragma once

#include <cstddef>
#include <cstdint>

#include "src/base/observer.h"

namespace tarn {

/// Each may be 0: not for that reason.
struct DumpOptions {
    std::size_t every_milliseconds;
    std::size_t every_bytes;  // allocated
    std::size_t peak_percent; // more in use than ever before the last dump
    /// Called when a dump is due, on a slow path: it may neither allocate nor take long.
    void (*due)();
};

/// Returns an observer that does what `observer` does, and looks. Nothing is due before
/// count_dumps_from_now().
const Observer* look_for_dumps(const Observer* observer, const DumpOptions& options);

/// At the start and after each dump: the next one is due so long or so much later.
void count_dumps_from_now();

} // namespace tarn
