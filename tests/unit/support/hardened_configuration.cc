// SPDX-License-Identifier: MIT
//
// Linked into a test of the heap, has it hardened. What is reported is a fault of ours: it ends the
// test.

#include "src/checks/hardened_heap.h"
#include "src/heap/large.h"
#include "src/heap/settings.h"
#include "src/heap/slow_path.h"
#include "tests/unit/support/end_at_report.h"

namespace tarn {

/// In place of the weak one.
void configure_heap()
{
    settings.scatters_slabs = true;
    settings.checks = start_hardening(
        {}, {.current_stack = nullptr, .site_of = nullptr, .report = test::end_at_report});
    fallback = fallback_backend(FallbackKind::mmap); // as preload does
}

} // namespace tarn
