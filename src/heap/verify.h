// SPDX-License-Identifier: MIT
#pragma once

namespace tarn {

/// Walks the calling thread's heap, the parked ones and the shared tier and checks every
/// invariant. Aborts with one line that names the one that is broken.
/// Cost: proportional to the heap. For tests, and for tarn_verify().
void verify_heap();

} // namespace tarn
