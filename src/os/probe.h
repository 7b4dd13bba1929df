// SPDX-License-Identifier: MIT
//
// Looking at memory of which we do not know whether it is there.

#pragma once

#include <cstddef>
#include <cstdint>

namespace tarn::os {

/// Copies `size` bytes from `address`. Errors: false if any of it is not readable.
/// Cost: one system call.
bool read_memory(std::uintptr_t address, void* to, std::size_t size);

/// The part of the address space that brk() manages: first byte and one past the last.
struct BreakArea {
    std::uintptr_t start = 0;
    std::uintptr_t end = 0;
};
BreakArea break_area();

/// setrlimit/prlimit by system call; a null `next` only asks. Returns 0, or -1 with errno set.
int process_limit(int process, int resource, const void* next, void* previous);

} // namespace tarn::os
