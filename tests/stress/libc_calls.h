// SPDX-License-Identifier: MIT
//
// Whatever malloc this program has: libtarn.so's under the preload.

#pragma once

#include <cstddef>
#include <cstdlib>
#include <malloc.h>

namespace tarn::test {

struct LibcCalls {
    static void* allocate(std::size_t size) { return std::malloc(size); }
    static void* allocate_zeroed(std::size_t size) { return std::calloc(1, size); }
    static void* allocate_aligned(std::size_t size, std::size_t alignment)
    {
        return ::memalign(alignment, size);
    }
    static void* reallocate(void* block, std::size_t size) { return std::realloc(block, size); }
    static void deallocate(void* block) { std::free(block); }
    static std::size_t usable_size(void* block) { return ::malloc_usable_size(block); }
};

} // namespace tarn::test
