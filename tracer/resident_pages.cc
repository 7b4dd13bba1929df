// SPDX-License-Identifier: MIT

#include "tracer/resident_pages.h"

#include <algorithm>
#include <bit>

#include "src/base/units.h"
#include "src/os/memory.h"

namespace tarn {

std::size_t PageSet::bytes_in(std::size_t start, std::size_t end) const
{
    std::size_t bytes = 0;
    while (start < end) {
        const std::size_t page = start / os::kPageSize;
        const std::size_t stop = std::min(end, (page + 1) * os::kPageSize);
        if (contains(page)) bytes += stop - start;
        start = stop;
    }
    return bytes;
}

std::size_t PageSet::bytes() const
{
    std::size_t pages = 0;
    for (const std::uint64_t word : words_)
        pages += static_cast<std::size_t>(std::popcount(word));
    return pages * os::kPageSize;
}

bool ResidentPages::is_resident(std::uintptr_t page)
{
    const std::uint64_t* const entry = pagemap_.find(page);
    return entry != nullptr && (*entry & Pagemap::kPresent) != 0;
}

PageSet ResidentPages::pages_in(MemoryRange range)
{
    PageSet pages;
    const std::uintptr_t first = range.start / os::kPageSize;
    for (std::size_t page = 0; page < range.size() / os::kPageSize; ++page)
        if (is_resident(first + page)) pages.add(page);
    return pages;
}

std::size_t ResidentPages::resident_in(MemoryRange range)
{
    std::size_t pages = 0;
    const std::uintptr_t end = divide_up(range.end, os::kPageSize);
    for (std::uintptr_t page = range.start / os::kPageSize; page < end; ++page)
        pages += is_resident(page) ? 1U : 0U;
    return pages * os::kPageSize;
}

} // namespace tarn
