// SPDX-License-Identifier: MIT

#pragma once

#include <cstdint>

namespace tarn {

struct Misaligned {
    bool goes_on = false;      // elsewhere, see src/checks/displaced_code.h
    std::uintptr_t beyond = 0; // of what it wanted, the first byte that is not there; 0: unknown
};

/// `context`: of a general protection fault. If it was an instruction that wants 16 aligned bytes
/// of a guarded block, the thread goes on with one that does not.
/// From a signal handler. Cost: some microseconds.
Misaligned go_around_alignment(void* context);

/// The calling thread ends.
void forget_displaced_code();

} // namespace tarn
