// SPDX-License-Identifier: MIT
//
// Promise: in a program that replaces only operator new(size_t) and operator delete(void*), the
// array, nothrow and sized forms end in those two, as [new.delete] says for the default versions.

#include <new>

#include "tests/abi/check.h"

namespace {

int news = 0;
int deletes = 0;

void expect_counts(const char* form, int wanted_news, int wanted_deletes)
{
    CHECK(news == wanted_news && deletes == wanted_deletes,
          "expected %d new and %d delete after %s, seen %d and %d", wanted_news, wanted_deletes,
          form, news, deletes);
    news = 0;
    deletes = 0;
}

} // namespace

void* operator new(std::size_t size)
{
    ++news;
    if (size > SIZE_MAX / 2) {
        throw std::bad_alloc();
    }
    return malloc(size);
}

void operator delete(void* block) noexcept
{
    ++deletes;
    free(block);
}

int main()
{
    ::operator delete(::operator new(100));
    expect_counts("new and delete", 1, 1);
    ::operator delete[](::operator new[](100));
    expect_counts("new[] and delete[]", 1, 1);
    ::operator delete(::operator new(100, std::nothrow), std::nothrow);
    expect_counts("nothrow new and delete", 1, 1);
    ::operator delete[](::operator new[](100, std::nothrow), std::nothrow);
    expect_counts("nothrow new[] and delete[]", 1, 1);
    ::operator delete (::operator new(100), std::size_t{100});
    expect_counts("sized delete", 1, 1);
    ::operator delete[](::operator new[](100), std::size_t{100});
    expect_counts("sized delete[]", 1, 1);

    void* none = ::operator new(opaque_size(SIZE_MAX), std::nothrow);
    CHECK(none == nullptr, "expected nullptr when the program's new throws, seen %p", none);
    expect_counts("a nothrow new whose new throws", 1, 0);
    none = ::operator new[](opaque_size(SIZE_MAX), std::nothrow);
    CHECK(none == nullptr, "expected nullptr when the program's new throws, seen %p", none);
    expect_counts("a nothrow new[] whose new throws", 1, 0);
    return 0;
}
