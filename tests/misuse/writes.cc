// SPDX-License-Identifier: MIT
//
// Writes to what is beside a block, or was one.

#include <cerrno>
#include <malloc.h>
#include <unistd.h>

#include "src/include/tarn/malloc.h"
#include "tests/misuse/subject.h"

using misuse::drop;
using misuse::hidden;
using misuse::make;
using misuse::say;

namespace {

constexpr std::size_t kMid = 200000;
constexpr std::size_t kLarge = 3 << 20;

// What is written is nowhere what was there: canaries have no byte below 128, and poison of blocks
// that were freed has 0x58 at each multiple of eight.

[[gnu::noinline]] void* make_aligned(std::size_t alignment, std::size_t size)
{
    void* block = nullptr;
    return ::posix_memalign(&block, alignment, size) == 0 ? hidden(block) : nullptr;
}

/// Writes a byte and gives the block back.
void write_at(void* block, std::ptrdiff_t offset)
{
    hidden(static_cast<char*>(block))[offset] = 1;
    drop(block);
}

} // namespace

MISUSE(overflow)
{
    write_at(make(40), 40);
}

MISUSE(overflow_by_a_string_end)
{
    char* const block = make(5);
    std::memcpy(block, "hello", hidden(block) != nullptr ? 6 : 0);
    drop(block);
}

MISUSE(overflow_by_many)
{
    char* const block = make(40);
    std::memset(hidden(block) + 40, 'x', 24);
    drop(block);
}

MISUSE(overflow_with_neighbours)
{
    char* blocks[3];
    for (char*& block : blocks)
        block = make(40);
    write_at(blocks[1], 40);
}

MISUSE(overflow_mid)
{
    write_at(make(kMid), kMid);
}

MISUSE(overflow_mid_by_many)
{
    char* const block = make(kMid);
    std::memset(hidden(block) + kMid, 1, 17);
    drop(block);
}

MISUSE(overflow_large)
{
    write_at(make(kLarge), kLarge);
}

MISUSE(overflow_aligned)
{
    write_at(make_aligned(64, 100), 100);
}

MISUSE(overflow_page_aligned)
{
    write_at(make_aligned(4096, 100), 100);
}

MISUSE(overflow_empty)
{
    write_at(make(0), 0);
}

MISUSE(overflow_calloc)
{
    write_at(std::calloc(4, 10), 40);
}

MISUSE(overflow_realloc)
{
    char* const block = make(40);
    block[39] = 1;
    write_at(std::realloc(block, 30), 30);
}

MISUSE(overflow_noticed_by_realloc)
{
    char* const block = make(40);
    hidden(block)[40] = 1;
    drop(std::realloc(block, 80));
}

MISUSE(overflow_new)
{
    int* const block = hidden(new int[10]);
    block[10] = 1;
    delete[] block;
}

MISUSE(overflow_never_freed)
{
    static char* volatile kept = make(40);
    kept[40] = 1;
}

MISUSE(overflow_asked_for)
{
    char* const block = make(40);
    hidden(block)[40] = 1;
    say(tarn_check_heap() == 1 ? "one damaged block\n" : "not one damaged block\n");
    drop(block);
}

MISUSE(overflow_found_by_calls)
{
    char* const block = make(40);
    hidden(block)[40] = 1;
    for (int i = 0; i < 100; ++i)
        drop(make(10));
    say("a hundred calls later\n");
    drop(block);
}

MISUSE(underflow)
{
    write_at(make(40), -1);
}

MISUSE(underflow_by_many)
{
    char* const block = make(40);
    std::memset(hidden(block) - 12, 'x', 12);
    drop(block);
}

MISUSE(underflow_mid)
{
    write_at(make(kMid), -1);
}

MISUSE(underflow_large)
{
    write_at(make(kLarge), -1);
}

MISUSE(underflow_page_aligned)
{
    write_at(make_aligned(4096, 100), -1);
}

MISUSE(write_after_free)
{
    char* const block = make(40);
    drop(block);
    hidden(block)[8] = 1;
}

MISUSE(write_after_free_mid)
{
    char* const block = make(kMid);
    drop(block);
    hidden(block)[kMid - 8] = 1;
}

MISUSE(write_after_free_asked_for)
{
    char* const block = make(40);
    drop(block);
    hidden(block)[8] = 1;
    say(tarn_check_heap() == 1 ? "one damaged block\n" : "not one damaged block\n");
}

/// Found when the block leaves the quarantine, which is smaller than what is freed after it.
MISUSE(write_after_free_found_in_time)
{
    char* const block = make(40);
    drop(block);
    hidden(block)[8] = 1;
    for (int i = 0; i < 100000; ++i)
        drop(make(100));
    say("at the end\n");
}

MISUSE(write_beside_freed)
{
    char* const block = make(40);
    drop(block);
    hidden(block)[40] = 1;
}

// How far from a block writes are noticed.
namespace {

constexpr std::size_t kMost = 64;

struct Family {
    const char* name;
    void* (*make)();
    std::size_t size;
};

void* small_one()
{
    return std::malloc(40);
}
void* full_one()
{
    return std::malloc(111);
}
void* mid_one()
{
    return std::malloc(kMid);
}
void* large_one()
{
    return std::malloc(kLarge - 100);
}
void* aligned_one()
{
    return make_aligned(64, 100);
}
void* page_aligned_one()
{
    return make_aligned(4096, 5000);
}
void* zeroed_one()
{
    return std::calloc(10, 7);
}
void* resized_one()
{
    return std::realloc(std::malloc(30), 90);
}
void* empty_one()
{
    return std::malloc(0);
}

constexpr Family kFamilies[] = {
    {"small", small_one, 40},      {"full", full_one, 111},
    {"mid", mid_one, kMid},        {"large", large_one, kLarge - 100},
    {"aligned", aligned_one, 100}, {"page_aligned", page_aligned_one, 5000},
    {"zeroed", zeroed_one, 70},    {"resized", resized_one, 90},
    {"empty", empty_one, 0},
};

/// Turns `count` bytes over, looks, and turns them back.
bool is_noticed(char* at, std::size_t count)
{
    for (std::size_t i = 0; i < count; ++i)
        hidden(at)[i] ^= 0x55;
    const bool noticed = tarn_check_heap() > 0;
    for (std::size_t i = 0; i < count; ++i)
        hidden(at)[i] ^= 0x55;
    return noticed;
}

void check_family(const Family& family)
{
    char* const block = static_cast<char*>(family.make());
    char* const end = block + family.size;
    bool all = ::malloc_usable_size(block) == family.size;
    for (std::size_t count = 1; count <= kMost; ++count) {
        all &= is_noticed(end, count);
        // In front there are sixteen bytes at least; before them, another block.
        if (count <= 16) all &= is_noticed(block - count, count) && is_noticed(block - count, 1);
    }
    all &= tarn_check_heap() == 0;
    drop(block);
    say(family.name);
    say(all ? ": all noticed\n" : ": not all noticed\n");
}

} // namespace

MISUSE(overflows_of_every_length)
{
    for (const Family& family : kFamilies)
        check_family(family);
}
