// SPDX-License-Identifier: MIT

#include "tracer/page_map.h"

#include <algorithm>
#include <bit>
#include <fcntl.h>
#include <unistd.h>

#include "src/base/units.h"
#include "src/os/errno_guard.h"
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

PageMap::PageMap() : descriptor_(::open("/proc/thread-self/pagemap", O_RDONLY | O_CLOEXEC)) {}

PageMap::~PageMap()
{
    if (descriptor_ >= 0) ::close(descriptor_);
}

bool PageMap::is_resident(std::uintptr_t page)
{
    if (page - first_ >= count_) {
        const os::ErrnoGuard guard;
        const ::ssize_t got = ::pread(descriptor_, entries_.data(), sizeof entries_,
                                      static_cast<::off_t>(page * sizeof(std::uint64_t)));
        first_ = page;
        count_ = got > 0 ? static_cast<std::size_t>(got) / sizeof(std::uint64_t) : 0;
        if (count_ == 0) return false;
    }
    // Source: Documentation/admin-guide/mm/pagemap.rst: bit 63, the page is in memory.
    return entries_[page - first_] >> 63U != 0;
}

PageSet PageMap::pages_in(MemoryRange range)
{
    PageSet pages;
    const std::uintptr_t first = range.start / os::kPageSize;
    for (std::size_t page = 0; page < range.size() / os::kPageSize; ++page)
        if (is_resident(first + page)) pages.add(page);
    return pages;
}

std::size_t PageMap::resident_in(MemoryRange range)
{
    std::size_t pages = 0;
    const std::uintptr_t end = divide_up(range.end, os::kPageSize);
    for (std::uintptr_t page = range.start / os::kPageSize; page < end; ++page)
        pages += is_resident(page) ? 1U : 0U;
    return pages * os::kPageSize;
}

} // namespace tarn
