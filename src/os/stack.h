// SPDX-License-Identifier: MIT
//
// A stack of our own, for the rare work that needs more than the smallest thread has (16 KiB).

#pragma once

#include <cstddef>

namespace tarn::os {

/// Calls `function` on a fresh stack of `size` bytes, which is unmapped afterwards.
/// Errors: false, no memory for the stack; the function has not been called.
bool call_on_own_stack(std::size_t size, void (*function)());

} // namespace tarn::os
