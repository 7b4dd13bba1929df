// SPDX-License-Identifier: MIT
//
// Which node of memory pages come from. By system call: libnuma would be one more library.

#pragma once

#include <cstddef>

namespace tarn::os {

/// Highest number of a node that has memory, plus one; 1 where the system does not say.
std::size_t numa_nodes();

enum class NumaPolicy : unsigned char { local, node, interleave };

/// Says where pages that have no memory yet get it from. Requires: node < 64. Errors: false, where
/// the system has no nodes, knows no such node or does not allow it; the pages are as before.
bool bind_pages(void* address, std::size_t size, NumaPolicy policy, std::size_t node);

} // namespace tarn::os
