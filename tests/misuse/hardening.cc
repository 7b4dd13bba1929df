// SPDX-License-Identifier: MIT
//
// What a hardened heap promises, beside what it finds when a block is freed.

#include <array>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "tests/misuse/subject.h"

using misuse::drop;
using misuse::hidden;
using misuse::make;
using misuse::say;

namespace {

constexpr std::size_t kSize = 40;

/// Mallocs and frees until every slot that waits has been used again.
void use_slots(int rounds)
{
    for (int i = 0; i < rounds; ++i)
        drop(make(kSize));
}

bool are_all(const char* bytes, std::size_t count, char value)
{
    for (std::size_t i = 0; i < count; ++i)
        if (bytes[i] != value) return false;
    return true;
}

} // namespace

MISUSE(write_after_free_and_reuse)
{
    char* const block = make(kSize);
    drop(block);
    hidden(block)[3] = 'x';
    use_slots(10000);
}

/// Every free slot is overwritten with a pointer, as one who wants malloc to return it would.
MISUSE(overwrite_all_links)
{
    static std::array<std::uint64_t, 16> target;
    std::vector<void*> blocks(5000);
    for (void*& block : blocks)
        block = make(kSize);
    for (void* const block : blocks)
        drop(static_cast<char*>(block));
    for (void* const block : blocks)
        *static_cast<void**>(hidden(block)) = target.data();
    for (int i = 0; i < 20000; ++i)
        if (make(kSize) == reinterpret_cast<char*>(target.data())) std::puts("taken over");
}

MISUSE(read_after_free_finds_zeros)
{
    char* const block = make(kSize);
    std::memset(hidden(block), 'p', kSize);
    drop(block);
    say(are_all(hidden(block), kSize, 0) ? "cleared\n" : "still there\n");
}

MISUSE(new_blocks_are_zeros)
{
    bool are_zero = true;
    for (int i = 0; i < 1000; ++i) {
        char* const block = make(kSize);
        are_zero &= are_all(hidden(block), kSize, 0);
        std::memset(hidden(block), 'p', kSize);
        drop(block);
    }
    say(are_zero ? "cleared\n" : "still there\n");
}

MISUSE(growth_in_place_shows_nothing)
{
    bool are_zero = true;
    for (int i = 0; i < 1000; ++i) {
        char* block = make(20);
        std::memset(hidden(block), 'p', 20);
        block = static_cast<char*>(std::realloc(block, kSize));
        are_zero &= are_all(hidden(block) + 20, kSize - 20, 0);
        std::memset(hidden(block), 'p', kSize);
        block = static_cast<char*>(std::realloc(block, 20));
        block = static_cast<char*>(std::realloc(block, kSize));
        are_zero &= are_all(hidden(block) + 20, kSize - 20, 0);
        drop(block);
    }
    say(are_zero ? "nothing\n" : "something\n");
}

/// How many others are handed out before a freed block is.
MISUSE(reuse_takes_time)
{
    int least = 10000;
    for (int round = 0; round < 200; ++round) {
        use_slots(100);
        char* const block = make(kSize);
        drop(block);
        int others = 0;
        for (; others < 10000; ++others) {
            char* const next = make(kSize);
            drop(next);
            if (next == block) break;
        }
        if (others < least) least = others;
    }
    std::printf("at least %d others\n", least);
}

MISUSE(addresses)
{
    std::array<char*, 12> blocks{};
    for (char*& block : blocks)
        block = make(kSize);
    for (char* const block : blocks)
        std::printf("%td ", block - blocks[0]);
    std::puts("");
}

/// Byte after byte, up to where no slab of so small blocks reaches.
MISUSE(write_to_the_end_of_a_slab)
{
    char* const block = make(kSize);
    for (std::size_t i = kSize; i < 64 << 10; ++i)
        hidden(block)[i] = 1;
    say("nobody minds\n");
}
