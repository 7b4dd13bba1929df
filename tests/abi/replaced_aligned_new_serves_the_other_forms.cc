// SPDX-License-Identifier: MIT
//
// Promise: in a program that replaces only the aligned operator new(size_t, align_val_t) and
// operator delete(void*, align_val_t), the aligned array, nothrow and sized forms end in those two,
// and the unaligned forms do not.

#include <new>

#include "tests/abi/check.h"

namespace {

int news = 0;
int deletes = 0;
constexpr std::align_val_t kAlignment{128};

void expect_counts(const char* form, int wanted)
{
    CHECK(news == wanted && deletes == wanted,
          "expected %d new and %d delete after %s, seen %d and %d", wanted, wanted, form, news,
          deletes);
    news = 0;
    deletes = 0;
}

} // namespace

void* operator new(std::size_t size, std::align_val_t alignment)
{
    ++news;
    return aligned_alloc(static_cast<std::size_t>(alignment), size);
}

void operator delete(void* block, std::align_val_t) noexcept
{
    ++deletes;
    free(block);
}

int main()
{
    ::operator delete(::operator new(100, kAlignment), kAlignment);
    expect_counts("aligned new and delete", 1);
    ::operator delete[](::operator new[](100, kAlignment), kAlignment);
    expect_counts("aligned new[] and delete[]", 1);
    ::operator delete(::operator new(100, kAlignment, std::nothrow), kAlignment, std::nothrow);
    expect_counts("aligned nothrow new and delete", 1);
    ::operator delete[](::operator new[](100, kAlignment, std::nothrow), kAlignment, std::nothrow);
    expect_counts("aligned nothrow new[] and delete[]", 1);
    ::operator delete (::operator new(100, kAlignment), std::size_t{100}, kAlignment);
    expect_counts("aligned sized delete", 1);
    ::operator delete[](::operator new[](100, kAlignment), std::size_t{100}, kAlignment);
    expect_counts("aligned sized delete[]", 1);
    ::operator delete[](::operator new[](100));
    expect_counts("unaligned new[] and delete[]", 0);
    ::operator delete (::operator new(100), std::size_t{100});
    expect_counts("unaligned sized delete", 0);
    return 0;
}
