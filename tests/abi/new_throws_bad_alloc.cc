// SPDX-License-Identifier: MIT
//
// Promise: the throwing forms of operator new throw std::bad_alloc, which a handler can catch, when
// no memory is to be had and no new_handler is installed.

#include <new>

#include "tests/abi/check.h"

namespace {

void* allocate(int form, std::size_t size)
{
    switch (form) {
    case 0:
        return ::operator new(size);
    case 1:
        return ::operator new[](size);
    case 2:
        return ::operator new (size, std::align_val_t{64});
    default:
        return ::operator new[](size, std::align_val_t{64});
    }
}

void expect_bad_alloc(int form, std::size_t size)
{
    try {
        void* block = allocate(form, size);
        CHECK(false, "expected form %d of %#zx bytes to throw, seen %p", form, size, block);
    } catch (const std::bad_alloc& error) {
        CHECK(strcmp(error.what(), "std::bad_alloc") == 0, "expected std::bad_alloc, seen '%s'",
              error.what());
    }
}

} // namespace

int main()
{
    for (int round = 0; round < 100; ++round) {
        for (int form = 0; form < 4; ++form) {
            expect_bad_alloc(form, opaque_size(SIZE_MAX));
            expect_bad_alloc(form, opaque_size(SIZE_MAX - 100));
            expect_bad_alloc(form, opaque_size(PTRDIFF_MAX));
            expect_bad_alloc(form, opaque_size(static_cast<std::size_t>(1) << 58));
        }
    }
    return 0;
}
