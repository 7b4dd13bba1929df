// SPDX-License-Identifier: MIT
//
// The core by its own names, as the tests that also run over other allocators call it.

#pragma once

#include <cstddef>

#include "src/heap/allocate.h"
#include "src/heap/deallocate.h"
#include "src/heap/resize.h"

namespace tarn::test {

struct CoreCalls {
    static void* allocate(std::size_t size) { return tarn::allocate(size); }
    static void* allocate_zeroed(std::size_t size) { return tarn::allocate_zeroed(size); }
    static void* allocate_aligned(std::size_t size, std::size_t alignment)
    {
        return tarn::allocate_aligned(size, alignment);
    }
    static void* reallocate(void* block, std::size_t size) { return tarn::reallocate(block, size); }
    static void deallocate(void* block) { tarn::deallocate(block); }
    static std::size_t usable_size(const void* block) { return tarn::usable_size(block); }
};

} // namespace tarn::test
