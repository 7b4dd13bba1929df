// SPDX-License-Identifier: MIT
//
// Promise: in a program that replaces operator new[](size_t) and operator delete[](void*), the
// nothrow and sized array forms end in those (not in the plain new), and plain new is not touched.

#include <new>

#include "tests/abi/check.h"

namespace {

int news = 0;
int deletes = 0;

void expect_counts(const char* form, int wanted)
{
    CHECK(news == wanted && deletes == wanted,
          "expected %d new[] and %d delete[] after %s, seen %d and %d", wanted, wanted, form, news,
          deletes);
    news = 0;
    deletes = 0;
}

} // namespace

void* operator new[](std::size_t size)
{
    ++news;
    return malloc(size);
}

void operator delete[](void* block) noexcept
{
    ++deletes;
    free(block);
}

int main()
{
    ::operator delete[](::operator new[](100));
    expect_counts("new[] and delete[]", 1);
    ::operator delete[](::operator new[](100, std::nothrow), std::nothrow);
    expect_counts("nothrow new[] and delete[]", 1);
    ::operator delete[](::operator new[](100), std::size_t{100});
    expect_counts("sized delete[]", 1);
    ::operator delete(::operator new(100));
    expect_counts("plain new and delete", 0);
    return 0;
}
