// SPDX-License-Identifier: MIT
//
// Linked into a test of the heap, has it hardened. What is reported is a fault of ours: it ends the
// test.

#include <cstdio>
#include <cstdlib>

#include "src/checks/hardened_heap.h"
#include "src/heap/large.h"
#include "src/heap/settings.h"
#include "src/heap/slow_path.h"

namespace tarn {

namespace {

void end_test(const CheckError& error)
{
    if (error.fault == CheckFault::impossible_size) return;
    std::fprintf(stderr, "false report: fault %d, address %p, block %p of %zu bytes\n",
                 static_cast<int>(error.fault), reinterpret_cast<void*>(error.address),
                 reinterpret_cast<void*>(error.block.start), error.block.size);
    std::abort();
}

} // namespace

/// In place of the weak one.
void configure_heap()
{
    settings.scatters_slabs = true;
    settings.checks =
        start_hardening({}, {.current_stack = nullptr, .site_of = nullptr, .report = end_test});
    fallback = fallback_backend(FallbackKind::mmap); // as preload does
}

} // namespace tarn
