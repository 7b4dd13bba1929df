// SPDX-License-Identifier: MIT
//
// Promise: the nothrow forms of operator new return nullptr when no memory is to be had, also when
// the new_handler throws bad_alloc: nothing leaves them.

#include <initializer_list>
#include <new>

#include "tests/abi/check.h"

namespace {

int calls = 0;

void throwing_handler()
{
    ++calls;
    throw std::bad_alloc();
}

void* allocate(int form, std::size_t size)
{
    switch (form) {
    case 0:
        return ::operator new(size, std::nothrow);
    case 1:
        return ::operator new[](size, std::nothrow);
    case 2:
        return ::operator new (size, std::align_val_t{64}, std::nothrow);
    default:
        return ::operator new[](size, std::align_val_t{64}, std::nothrow);
    }
}

void check_all_forms()
{
    for (int form = 0; form < 4; ++form) {
        for (std::size_t size :
             {SIZE_MAX, SIZE_MAX - 100, SIZE_MAX / 2, static_cast<std::size_t>(1) << 58}) {
            void* block = allocate(form, opaque_size(size));
            CHECK(block == nullptr, "expected form %d to return nullptr, seen %p", form, block);
        }
    }
}

} // namespace

int main()
{
    check_all_forms();
    std::set_new_handler(throwing_handler);
    check_all_forms();
    CHECK(calls == 16, "expected the handler to be called 16 times, seen %d", calls);
    return 0;
}
