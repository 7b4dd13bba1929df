// SPDX-License-Identifier: MIT
//
// Asks for blocks of all small sizes and alignments, and prints how many lie elsewhere.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <malloc.h>
#include <new>

namespace {

constexpr std::size_t kFunctions = 5;

void* allocate(std::size_t function, std::size_t size, std::size_t alignment)
{
    void* block = nullptr;
    switch (function) {
    case 0:
        alignment = std::max(alignment, sizeof(void*));
        return posix_memalign(&block, alignment, size) == 0 ? block : nullptr;
    case 1:
        return std::aligned_alloc(alignment, size);
    case 2:
        return memalign(alignment, size);
    case 3:
        return ::operator new(size, std::align_val_t(alignment));
    default:
        return ::operator new[](size, std::align_val_t(alignment), std::nothrow);
    }
}

void release(std::size_t function, void* block, std::size_t alignment)
{
    if (function < 3)
        std::free(block);
    else if (function == 3)
        ::operator delete(block, std::align_val_t(alignment));
    else
        ::operator delete[](block, std::align_val_t(alignment));
}

} // namespace

int main()
{
    std::array<int, kFunctions> elsewhere{};
    for (std::size_t alignment = 1; alignment <= 8192; alignment *= 2)
        for (std::size_t size = 1; size <= 300; size += 7)
            for (std::size_t function = 0; function < kFunctions; ++function) {
                void* const block = allocate(function, size, alignment);
                if (reinterpret_cast<std::uintptr_t>(block) % alignment != 0) ++elsewhere[function];
                release(function, block, alignment);
            }
    for (const int count : elsewhere)
        std::printf("%d\n", count);
}
