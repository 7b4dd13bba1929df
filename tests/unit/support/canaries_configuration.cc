// SPDX-License-Identifier: MIT
//
// Linked into a test of the heap, has canaries around all blocks of it, and nothing else.

#include "src/checks/checked_heap.h"
#include "src/heap/large.h"
#include "src/heap/settings.h"
#include "src/heap/slow_path.h"
#include "tests/unit/support/end_at_report.h"

namespace tarn {

/// In place of the weak one.
void configure_heap()
{
    settings.checks =
        start_checks({.canaries = true},
                     {.current_stack = nullptr, .site_of = nullptr, .report = test::end_at_report});
    fallback = fallback_backend(FallbackKind::mmap); // as preload does
}

} // namespace tarn
