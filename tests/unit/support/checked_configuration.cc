// SPDX-License-Identifier: MIT
//
// Linked into a test of the heap, has all blocks of it checked, with a quarantine so small that
// blocks leave it all the time. What is reported is a fault of ours: it ends the test.

#include "src/checks/checked_heap.h"
#include "src/heap/large.h"
#include "src/heap/settings.h"
#include "src/heap/slow_path.h"
#include "tests/unit/support/end_at_report.h"

namespace tarn {

/// In place of the weak one.
void configure_heap()
{
    settings.checks = start_checks(
        {.canaries = true, .fills_allocated = true, .fills_freed = true, .quarantine = KiB(256)},
        {.current_stack = nullptr, .site_of = nullptr, .report = test::end_at_report});
    // As preload does: the pages of a block in quarantine are to be its own.
    fallback = fallback_backend(FallbackKind::mmap);
}

} // namespace tarn
