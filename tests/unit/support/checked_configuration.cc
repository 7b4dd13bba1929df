// SPDX-License-Identifier: MIT
//
// Linked into a test of the heap, has all blocks of it checked, with a quarantine so small that
// blocks leave it all the time. What is reported is a fault of ours: it ends the test.

#include <cstdio>
#include <cstdlib>

#include "src/checks/checked_heap.h"
#include "src/heap/large.h"
#include "src/heap/settings.h"
#include "src/heap/slow_path.h"

namespace tarn {

namespace {

void end_test(const CheckError& error)
{
    if (error.fault == CheckFault::impossible_size) return;
    std::fprintf(stderr, "false report: fault %d, address %p, block %p of %zu bytes, %zu changed\n",
                 static_cast<int>(error.fault), reinterpret_cast<void*>(error.address),
                 reinterpret_cast<void*>(error.block.start), error.block.size, error.changed_size);
    std::abort();
}

} // namespace

/// In place of the weak one.
void configure_heap()
{
    settings.checks = start_checks(
        {.canaries = true, .fills_allocated = true, .fills_freed = true, .quarantine = KiB(256)},
        {.current_stack = nullptr, .site_of = nullptr, .report = end_test});
    // As preload does: the pages of a block in quarantine are to be its own.
    fallback = fallback_backend(FallbackKind::mmap);
}

} // namespace tarn
