// SPDX-License-Identifier: MIT
//
// Promise: a program that brings its own malloc family, as many with a linked-in allocator do,
// keeps it: libc and the program use the program's, operator new may be the preload's, and the two
// are not mixed up.

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "tests/abi/check.h"

namespace {

constexpr std::size_t kArenaSize = 64 * MIB;
alignas(16) unsigned char arena[kArenaSize];
std::atomic<std::size_t> arena_used{0};
std::atomic<int> own_frees{0};
std::atomic<int> foreign_frees{0};

bool is_own(const void* block)
{
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    const auto start = reinterpret_cast<std::uintptr_t>(arena);
    return address >= start && address < start + kArenaSize;
}

} // namespace

// The size of each block stands in front of it, for realloc.
extern "C" void* malloc(std::size_t size)
{
    const std::size_t whole = (size + 31) / 16 * 16;
    const std::size_t offset = arena_used.fetch_add(whole);
    if (offset + whole > kArenaSize) {
        errno = ENOMEM;
        return nullptr;
    }
    memcpy(arena + offset, &size, sizeof size);
    return arena + offset + 16;
}

extern "C" void free(void* block)
{
    if (block != nullptr) {
        (is_own(block) ? own_frees : foreign_frees).fetch_add(1);
    }
}

extern "C" void* calloc(std::size_t count, std::size_t size)
{
    return malloc(count * size); // never used twice, so zero
}

extern "C" void* realloc(void* block, std::size_t size)
{
    void* moved = malloc(size);
    if (block != nullptr && moved != nullptr) {
        std::size_t old_size = 0;
        memcpy(&old_size, static_cast<unsigned char*>(block) - 16, sizeof old_size);
        memcpy(moved, block, old_size < size ? old_size : size);
    }
    return moved;
}

namespace {

void* use_both(void* unused)
{
    for (int i = 0; i < 1000; ++i) {
        char* copy = strdup("through libc");
        CHECK(is_own(copy), "expected libc to use the program's malloc, seen %p",
              static_cast<void*>(copy));
        free(copy);
        std::vector<std::string> lines(20, std::string(100, 'x'));
        CHECK(lines[19].size() == 100, "expected a line of 100, seen %zu", lines[19].size());
        delete std::make_unique<int>(7).release();
    }
    return unused;
}

} // namespace

int main()
{
    use_both(nullptr);
    join_thread(start_thread(use_both, nullptr));
    CHECK(own_frees >= 2000, "expected 2000 frees of the program's own blocks, seen %d",
          own_frees.load());
    CHECK(foreign_frees == 0, "expected no foreign block in the program's free, seen %d",
          foreign_frees.load());
    return 0;
}
