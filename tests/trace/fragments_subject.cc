// SPDX-License-Identifier: MIT
//
// Leaves memory behind in a known way:
//
//      fragments_subject apart|mixed [wait]
//
// 64 000 blocks of 60 bytes, of which one in sixteen is of a place of its own (stays) and remains
// when all others (goes) have been freed. `mixed`: among the others, in each slab; `apart`: all of
// them first. One block of 3 MiB of which 1 MiB is written to (partly). With `wait` it says so and
// waits for a line on standard input before it ends.
//
//      fragments_subject limit

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <malloc.h>

namespace {

#ifdef __clang__
#define APART [[gnu::noinline]]
#else
#define APART [[gnu::noinline, gnu::noclone]]
#endif

constexpr std::size_t kBlocks = 64000;
constexpr std::size_t kKept = kBlocks / 16;
constexpr std::size_t kSize = 60; // in 64

std::array<void*, kBlocks> blocks;

APART void* stays()
{
    asm volatile("# stays");
    return std::memset(std::malloc(kSize), 1, kSize);
}

APART void* goes()
{
    asm volatile("# goes");
    return std::memset(std::malloc(kSize), 2, kSize);
}

APART void* partly()
{
    constexpr std::size_t kMegabyte = std::size_t{1} << 20;
    return std::memset(std::malloc(3 * kMegabyte), 3, kMegabyte);
}

/// Two calls of malloc_trim(), five of malloc() that fail under limit=16m.
int ask_for_too_much()
{
    ::malloc_trim(0);
    ::malloc_trim(0);
    for (int i = 0; i < 5; ++i) {
        void* volatile block = std::malloc(std::size_t{32} << 20);
        if (block != nullptr) return 1;
    }
    return 0;
}

} // namespace

int main(int argc, char** argv)
{
    if (argc < 2) return 2;
    if (std::strcmp(argv[1], "limit") == 0) return ask_for_too_much();
    const bool is_mixed = std::strcmp(argv[1], "mixed") == 0;
    for (std::size_t i = 0; i < kBlocks; ++i)
        blocks[i] = (is_mixed ? i % 16 == 0 : i < kKept) ? stays() : goes();
    for (std::size_t i = 0; i < kBlocks; ++i)
        if (is_mixed ? i % 16 != 0 : i >= kKept) std::free(blocks[i]);
    void* volatile large = partly();
    if (argc > 2) {
        std::puts("ready");
        std::fflush(stdout);
        std::getchar();
    }
    return large == nullptr ? 1 : 0;
}
