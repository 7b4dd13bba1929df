// SPDX-License-Identifier: MIT
//
// Promise: operator new, new[] and their nothrow forms give blocks of any size that are aligned to
// 16, unique also for zero bytes, wholly usable, and that the matching delete takes back.

#include <new>

#include "tests/abi/check.h"

namespace {

struct Form {
    const char* name;
    void* (*allocate)(std::size_t size);
    void (*release)(void* block);
};

constexpr Form kForms[] = {
    {"new", [](std::size_t size) { return ::operator new(size); },
     [](void* block) { ::operator delete(block); }},
    {"new[]", [](std::size_t size) { return ::operator new[](size); },
     [](void* block) { ::operator delete[](block); }},
    {"new(nothrow)", [](std::size_t size) { return ::operator new(size, std::nothrow); },
     [](void* block) { ::operator delete(block, std::nothrow); }},
    {"new[](nothrow)", [](std::size_t size) { return ::operator new[](size, std::nothrow); },
     [](void* block) { ::operator delete[](block, std::nothrow); }},
};

void check_size(const Form& form, std::size_t size)
{
    constexpr int kBlocks = 8;
    void* blocks[kBlocks];
    for (int i = 0; i < kBlocks; ++i) {
        blocks[i] = form.allocate(size);
        CHECK(blocks[i] != nullptr, "expected %s of %zu to succeed, seen NULL", form.name, size);
        CHECK(reinterpret_cast<uintptr_t>(blocks[i]) % 16 == 0,
              "expected %s of %zu aligned to 16, seen %p", form.name, size, blocks[i]);
        for (int other = 0; other < i; ++other) {
            CHECK(blocks[i] != blocks[other], "expected different blocks from %s, seen %p twice",
                  form.name, blocks[i]);
        }
        fill(blocks[i], size, static_cast<uint64_t>(i));
    }
    for (int i = 0; i < kBlocks; ++i) {
        CHECK_FILLED(blocks[i], size, static_cast<uint64_t>(i));
        form.release(blocks[i]);
    }
}

} // namespace

int main()
{
    for (const Form& form : kForms) {
        for (std::size_t size = 0; size <= 6 * MIB; size += size < 1100 ? 1 : size / 5) {
            check_size(form, size);
        }
    }
    return 0;
}
