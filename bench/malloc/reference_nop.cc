// SPDX-License-Identifier: MIT
//
// Reference `nop`: malloc and free that do nothing, to find the price of the benchmark loop and
// the two calls. What an allocator costs is its time minus this one.
//
// Usable for the `pair` cases only: every malloc returns the same buffer, and only while the
// benchmark says that it is measuring. Anything else (the benchmark's own strings) goes to glibc.

#include "bench/malloc/reference_nop.h"

#include <cstddef>

extern "C" {

void* __libc_malloc(std::size_t size);
void __libc_free(void* block);

namespace {

// Only the first byte is ever written, by touch().
alignas(4096) char buffer[4096];
bool is_measuring = false;

} // namespace

[[gnu::visibility("default")]] void bench_reference_nop_measure(int measuring)
{
    is_measuring = measuring != 0;
}

[[gnu::visibility("default")]] void* malloc(std::size_t size) noexcept
{
    if (!is_measuring) [[unlikely]]
        return __libc_malloc(size);
    return buffer;
}

[[gnu::visibility("default")]] void free(void* block) noexcept
{
    if (block != buffer) [[unlikely]]
        __libc_free(block);
}

} // extern "C"
