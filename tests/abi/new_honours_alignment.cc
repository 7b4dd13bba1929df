// SPDX-License-Identifier: MIT
//
// Promise: the four aligned forms of operator new honour every alignment, and the aligned forms of
// delete (plain, sized, nothrow) take the blocks back.

#include <initializer_list>
#include <new>

#include "tests/abi/check.h"

namespace {

void* allocate(int form, std::size_t size, std::align_val_t alignment)
{
    switch (form) {
    case 0:
        return ::operator new(size, alignment);
    case 1:
        return ::operator new[](size, alignment);
    case 2:
        return ::operator new(size, alignment, std::nothrow);
    default:
        return ::operator new[](size, alignment, std::nothrow);
    }
}

void release(int form, void* block, std::size_t size, std::align_val_t alignment)
{
    switch (form) {
    case 0:
        return ::operator delete(block, size, alignment);
    case 1:
        return ::operator delete[](block, alignment);
    case 2:
        return ::operator delete(block, alignment, std::nothrow);
    default:
        return ::operator delete[](block, size, alignment);
    }
}

void check_request(int form, std::size_t size, std::size_t alignment)
{
    constexpr int kBlocks = 4;
    void* blocks[kBlocks];
    for (void*& block : blocks) {
        block = allocate(form, size, std::align_val_t{alignment});
        CHECK(block != nullptr, "expected %zu bytes at %zu (form %d), seen NULL", size, alignment,
              form);
        CHECK(reinterpret_cast<uintptr_t>(block) % alignment == 0,
              "expected a multiple of %zu, seen %p", alignment, block);
        fill(block, size, alignment);
    }
    for (void* block : blocks) {
        CHECK_FILLED(block, size, alignment);
        release(form, block, size, std::align_val_t{alignment});
    }
}

} // namespace

int main()
{
    for (int form = 0; form < 4; ++form) {
        for (std::size_t alignment = 1; alignment <= 16 * MIB; alignment *= 2) {
            for (std::size_t size : {0UL, 1UL, 24UL, 100UL, 1000UL, 10000UL, 200000UL, 2000000UL}) {
                check_request(form, size, alignment);
            }
        }
    }
    return 0;
}
