// SPDX-License-Identifier: MIT
//
// Every way to get a block, with every way to give it back. On stderr it says which follows.

#include <malloc.h>
#include <new>

#include "tests/misuse/subject.h"

using misuse::hidden;
using misuse::say;

namespace {

constexpr std::size_t kSize = 96;
constexpr std::size_t kAlignment = 64;
constexpr auto kAligned = std::align_val_t{kAlignment};

struct Way {
    const char* name;
    void* (*get)();
};

struct Return {
    const char* name;
    void (*give)(void* block);
};

constexpr Way kWays[] = {
    {"malloc", [] { return std::malloc(kSize); }},
    {"calloc", [] { return std::calloc(1, kSize); }},
    {"realloc", [] { return std::realloc(std::malloc(1), kSize); }},
    {"memalign", [] { return ::memalign(kAlignment, kSize); }},
    {"new", [] { return operator new(kSize); }},
    {"new_nothrow", [] { return operator new(kSize, std::nothrow); }},
    {"new_aligned", [] { return operator new(kSize, kAligned); }},
    {"new_aligned_nothrow", [] { return operator new(kSize, kAligned, std::nothrow); }},
    {"array", [] { return operator new[](kSize); }},
    {"array_nothrow", [] { return operator new[](kSize, std::nothrow); }},
    {"array_aligned", [] { return operator new[](kSize, kAligned); }},
    {"array_aligned_nothrow", [] { return operator new[](kSize, kAligned, std::nothrow); }},
};

constexpr Return kReturns[] = {
    {"free", [](void* block) { std::free(block); }},
    {"realloc", [](void* block) { std::free(std::realloc(block, 1)); }},
    {"delete", [](void* block) { operator delete(block); }},
    {"delete_nothrow", [](void* block) { operator delete(block, std::nothrow); }},
    {"delete_sized", [](void* block) { operator delete(block, kSize); }},
    {"delete_other_size", [](void* block) { operator delete(block, kSize + 8); }},
    {"delete_aligned", [](void* block) { operator delete(block, kAligned); }},
    {"delete_aligned_nothrow", [](void* block) { operator delete(block, kAligned, std::nothrow); }},
    {"delete_aligned_sized", [](void* block) { operator delete(block, kSize, kAligned); }},
    {"delete_other_alignment",
     [](void* block) { operator delete (block, std::align_val_t{2 * kAlignment}); }},
    {"array_delete", [](void* block) { operator delete[](block); }},
    {"array_delete_nothrow", [](void* block) { operator delete[](block, std::nothrow); }},
    {"array_delete_sized", [](void* block) { operator delete[](block, kSize); }},
    {"array_delete_other_size", [](void* block) { operator delete[](block, kSize - 8); }},
    {"array_delete_aligned", [](void* block) { operator delete[](block, kAligned); }},
    {"array_delete_aligned_nothrow",
     [](void* block) { operator delete[](block, kAligned, std::nothrow); }},
    {"array_delete_aligned_sized", [](void* block) { operator delete[](block, kSize, kAligned); }},
};

} // namespace

MISUSE(all_pairs_of_forms)
{
    for (const Way& way : kWays) {
        for (const Return& back : kReturns) {
            void* const block = hidden(way.get());
            say("pair ");
            say(way.name);
            say(" ");
            say(back.name);
            say("\n");
            back.give(block);
        }
    }
}

MISUSE(new_array_and_free)
{
    std::free(hidden(new int[10]));
}

MISUSE(new_array_and_delete)
{
    operator delete(hidden(new int[10]));
}

MISUSE(malloc_and_delete)
{
    operator delete(hidden(std::malloc(40)));
}

MISUSE(memalign_and_delete)
{
    operator delete(hidden(std::aligned_alloc(64, 128)));
}

MISUSE(new_array_and_realloc)
{
    std::free(hidden(std::realloc(hidden(new char[40]), 400)));
}

MISUSE(delete_of_another_size)
{
    operator delete(hidden(operator new(40)), 48);
}

MISUSE(delete_without_alignment)
{
    operator delete(hidden(operator new(100, kAligned)));
}

MISUSE(delete_with_alignment)
{
    operator delete(hidden(operator new(100)), kAligned);
}
