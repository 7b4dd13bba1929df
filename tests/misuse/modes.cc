// SPDX-License-Identifier: MIT
//
// What the parts of the checks do to blocks that nobody misuses, and what malloc refuses.

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <malloc.h>
#include <new>

#include "src/include/tarn/malloc.h"
#include "tests/misuse/subject.h"

using misuse::drop;
using misuse::hidden;
using misuse::make;
using misuse::say;

namespace {

void show_bytes(const char* what, const void* block, std::size_t size)
{
    std::printf("%s:", what);
    for (std::size_t i = 0; i < size; ++i)
        std::printf(" %02x", static_cast<const unsigned char*>(block)[i]);
    std::printf("\n");
}

} // namespace

MISUSE(nothing)
{
    char* const block = make(40);
    std::memset(block, 1, 40);
    drop(std::realloc(block, 4000));
    operator delete[](hidden(new int[7]));
}

MISUSE(show_new_and_freed)
{
    std::setvbuf(stdout, nullptr, _IONBF, 0); // no block of its own
    char* const block = make(20);
    show_bytes("new", block, 20);
    drop(block);
    show_bytes("freed", hidden(block), 20);
    char* const zeroed = hidden(static_cast<char*>(std::calloc(1, 20)));
    show_bytes("zeroed", zeroed, 20);
    drop(zeroed);
}

/// Whatever lay there before.
MISUSE(calloc_stays_zero)
{
    bool is_zero = true;
    for (std::size_t size = 1; size < 4 << 20; size = size * 3 / 2 + 1) {
        for (int round = 0; round < 30; ++round) {
            char* const block = hidden(static_cast<char*>(std::calloc(1, size)));
            for (std::size_t i = 0; i < size; i += size < 5000 ? 1 : 997)
                is_zero &= block[i] == 0;
            std::memset(block, 0xff, size < 5000 ? size : 5000);
            drop(block);
        }
    }
    say(is_zero ? "all zero\n" : "not all zero\n");
}

MISUSE(usable_size_is_what_was_asked_for)
{
    bool is_right = true;
    for (std::size_t size = 0; size < 4 << 20; size = size * 5 / 4 + 1) {
        void* const block = hidden(std::malloc(size));
        is_right &= ::malloc_usable_size(block) == size;
        void* const other = hidden(std::realloc(block, size + 3));
        is_right &= ::malloc_usable_size(other) == size + 3;
        drop(other);
        for (std::size_t alignment = 16; alignment <= 65536; alignment *= 4) {
            void* const aligned = hidden(::memalign(alignment, size));
            is_right &= ::malloc_usable_size(aligned) == size &&
                        reinterpret_cast<std::uintptr_t>(aligned) % alignment == 0;
            drop(aligned);
        }
    }
    say(is_right ? "all right\n" : "not all right\n");
}

MISUSE(impossible_sizes)
{
    volatile std::size_t impossible = SIZE_MAX - 100;
    for (int round = 0; round < 3; ++round) {
        errno = 0;
        void* const block = hidden(std::malloc(impossible));
        say(block == nullptr && errno == ENOMEM ? "null and ENOMEM\n" : "not refused\n");
    }
    errno = 0;
    void* const block = hidden(new (std::nothrow) char[impossible / 2]);
    say(block == nullptr && errno == ENOMEM ? "null and ENOMEM\n" : "not refused\n");
}

MISUSE(impossible_products)
{
    volatile std::size_t root = std::size_t{1} << 33;
    volatile std::size_t impossible = std::size_t{1} << 63;
    void* const block = make(40);
    void* aligned = nullptr;
    int refused = 0;
    const auto count = [&refused](const void* result) {
        refused += result == nullptr && errno == ENOMEM;
        errno = 0;
    };
    count(hidden(std::calloc(root, root)));
    count(hidden(std::calloc(1, impossible)));
    count(hidden(::reallocarray(block, root, root)));
    count(hidden(std::realloc(block, impossible)));
    count(hidden(std::aligned_alloc(64, impossible)));
    count(hidden(::pvalloc(impossible)));
    refused += ::posix_memalign(&aligned, 64, impossible) == ENOMEM && errno == 0;
    drop(block);
    say(refused == 7 ? "refused\n" : "not refused\n");
}

MISUSE(describe)
{
    char* const block = make(40);
    const int known = tarn_describe(block + 3);
    drop(block);
    const int freed = tarn_describe(block);
    char local = 0;
    const int unknown = tarn_describe(&local);
    say(known == 1 && freed == 1 && unknown == 0 ? "1 1 0\n" : "other\n");
}
