// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace tarn::os {

/// Maps `size` bytes of fresh zeroed memory twice in a row: what is written to one half is read in
/// the other. Requires: whole pages. unmap() takes both halves, 2 * size bytes. Errors: nullptr.
void* map_twice(std::size_t size);

} // namespace tarn::os
