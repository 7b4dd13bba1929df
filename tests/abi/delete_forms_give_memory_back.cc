// SPDX-License-Identifier: MIT
//
// Promise: every form of operator delete frees: plain, array, nothrow, sized and sized array; and
// each ignores a null pointer.

#include <new>

#include "tests/abi/check.h"

namespace {

constexpr int kForms = 6;

void release(int form, void* block, std::size_t size)
{
    switch (form) {
    case 0:
        return ::operator delete(block);
    case 1:
        return ::operator delete[](block);
    case 2:
        return ::operator delete(block, std::nothrow);
    case 3:
        return ::operator delete[](block, std::nothrow);
    case 4:
        return ::operator delete(block, size);
    default:
        return ::operator delete[](block, size);
    }
}

void check_form(int form, std::size_t size, std::size_t total)
{
    const std::size_t before = resident_bytes();
    release(form, opaque(nullptr), size);
    errno = 4711;
    for (std::size_t bytes = 0; bytes < total; bytes += size) {
        void* block = form % 2 == 0 ? ::operator new(size) : ::operator new[](size);
        block = opaque(block);
        memset(block, 1, size);
        release(form, block, size);
    }
    CHECK(errno == 4711, "expected errno untouched at 4711, seen %d", errno);
    const std::size_t after = resident_bytes();
    CHECK(after < before + total / 4, "expected form %d to free, seen %zu KiB more resident", form,
          (after - before) / KIB);
}

} // namespace

int main()
{
    for (int form = 0; form < kForms; ++form) {
        check_form(form, 40, 64 * MIB);
        check_form(form, 6000, 128 * MIB);
        check_form(form, 500 * KIB, 256 * MIB);
        check_form(form, 4 * MIB, 512 * MIB);
    }
    return 0;
}
