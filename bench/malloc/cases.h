// SPDX-License-Identifier: MIT
//
// What the case files of bench_malloc share: how they register their cases, and a few helpers.

#pragma once

#include <cstddef>
#include <string>

#include "bench/support/random.h"

namespace bench {

void register_pair_cases();
void register_replacement_cases();
void register_batch_cases();
void register_resize_cases();
void register_thread_cases();

/// "16", "40K", "4M": the size as it appears in the name of a case.
std::string size_name(std::size_t size);

/// The size of a small block as programs ask for it: 16 to 271 bytes.
inline std::size_t mixed_small_size(Random& random)
{
    return 16 + (random.next() >> 56U);
}

/// Keeps the compiler from knowing where a block comes from, so that no call can be left out. In a
/// register: benchmark::DoNotOptimize goes through memory, which costs as much as a malloc.
inline void keep(void*& block)
{
    asm volatile("" : "+r"(block) : : "memory");
}

/// Writes one byte, as any program does with memory it asked for: an allocator that hands out
/// cold or unmapped memory pays for it here.
inline void touch(void* block)
{
    *static_cast<volatile char*>(block) = 1;
}

} // namespace bench
