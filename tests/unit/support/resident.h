// SPDX-License-Identifier: MIT
//
// Which pages have memory behind them.

#pragma once

#include <cstddef>
#include <cstdint>
#include <sys/mman.h>
#include <vector>

#include "src/base/units.h"
#include "src/os/errno_guard.h"
#include "src/os/memory.h"

namespace tarn::test {

/// Bytes in those whole pages of the range that have memory behind them. Keeps errno.
inline std::size_t resident_bytes(const void* address, std::size_t size)
{
    const os::ErrnoGuard guard;
    const auto start = reinterpret_cast<std::uintptr_t>(address);
    const std::size_t first = round_up(start, os::kPageSize);
    const std::size_t end = (start + size) & ~(os::kPageSize - 1);
    std::vector<unsigned char> pages((end - first) / os::kPageSize);
    if (::mincore(reinterpret_cast<void*>(first), end - first, pages.data()) != 0)
        return 0; // not even mapped
    std::size_t count = 0;
    for (const unsigned char page : pages)
        count += page & 1U;
    return count * os::kPageSize;
}

/// Whether the system knows MADV_POPULATE_WRITE, as Linux does since 5.14.
inline bool can_populate()
{
    constexpr int kPopulateWrite = 23;
    alignas(os::kPageSize) static std::byte page[os::kPageSize];
    const os::ErrnoGuard guard;
    return ::madvise(page, sizeof page, kPopulateWrite) == 0;
}

} // namespace tarn::test
