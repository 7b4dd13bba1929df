// SPDX-License-Identifier: MIT
//
// For tests of the heap whose blocks are checked: what is reported is a fault of ours.

#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "src/base/check_error.h"

namespace tarn::test {

inline void end_at_report(const CheckError& error)
{
    if (error.fault == CheckFault::impossible_size) return;
    std::fprintf(stderr, "false report: fault %d, address %p, block %p of %zu bytes, %zu changed\n",
                 static_cast<int>(error.fault), reinterpret_cast<void*>(error.address),
                 reinterpret_cast<void*>(error.block.start), error.block.size, error.changed_size);
    std::abort();
}

} // namespace tarn::test
