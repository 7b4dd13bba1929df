// SPDX-License-Identifier: MIT
//
// realloc: in place where the block allows it, otherwise move.

#pragma once

#include <cstddef>

namespace tarn {

/// Changes the size of `block` (not NULL) to `size` bytes (not 0), keeping its contents.
/// Errors: nullptr with errno ENOMEM; the block is as before.
void* reallocate(void* block, std::size_t size);

} // namespace tarn
