// SPDX-License-Identifier: MIT
//
// What the workload programs share: their arguments, and the words they end with.

#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "bench/support/random.h"

namespace bench {

/// The argument at `index`, a decimal number above 0, or `otherwise` when it is not given.
inline std::size_t argument(int argc, char** argv, int index, std::size_t otherwise)
{
    if (index >= argc) return otherwise;
    const unsigned long value = std::strtoul(argv[index], nullptr, 10);
    if (value > 0) return value;
    std::fprintf(stderr, "%s: argument %d, '%s': not a number above 0\n", argv[0], index,
                 argv[index]);
    std::exit(2);
}

/// Ends a workload. The sum depends on what was read back from allocated memory, so an allocator
/// that mixes up blocks gives another sum; compare.py compares it with that of the other runs.
inline int finish(std::uint64_t checksum)
{
    std::printf("checksum %016llx\n", static_cast<unsigned long long>(checksum));
    return 0;
}

inline void require(bool condition, const char* what)
{
    if (condition) return;
    std::fprintf(stderr, "workload failed: %s\n", what);
    std::abort();
}

/// malloc that ends the program with a message when memory runs out.
inline void* allocate(std::size_t size)
{
    void* const block = std::malloc(size);
    require(block != nullptr, "malloc returned NULL");
    return block;
}

/// Marks both ends of a block with its size; `is_intact` tells whether they still hold it.
inline void stamp(void* block, std::size_t size)
{
    auto* const bytes = static_cast<unsigned char*>(block);
    bytes[0] = static_cast<unsigned char>(size);
    bytes[size - 1] = static_cast<unsigned char>(size);
}

inline bool is_intact(const void* block, std::size_t size)
{
    const auto* const bytes = static_cast<const unsigned char*>(block);
    return bytes[0] == static_cast<unsigned char>(size) && bytes[size - 1] == bytes[0];
}

} // namespace bench
