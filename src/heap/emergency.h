// SPDX-License-Identifier: MIT
//
// Emergency blocks: for a signal handler that interrupted our own slow path, and for a thread that
// must not wait for a fork.
//
// Such a caller finds the heap in the middle of a change, perhaps with a lock of its own thread
// held. It gets memory from a bump arena that needs nothing but an atomic addition. Of these blocks
// only the last of a region, and large ones, which have a region each, are used again: they are
// rare, and what a handler frees before it returns is just that.

#pragma once

#include <cstddef>
#include <cstdint>

namespace tarn::emergency {

/// Zeroed memory. Errors: nullptr. Any thread, any signal handler; lock-free.
void* allocate(std::size_t size, std::size_t alignment);

bool owns(const void* address);
void release(void* block);
std::size_t usable_size(const void* block);

/// Bytes handed out so far, whether or not they came back.
std::size_t used();

} // namespace tarn::emergency
