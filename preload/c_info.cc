// SPDX-License-Identifier: MIT
//
// What libc tells about its malloc, told about ours: mallinfo, malloc_info, malloc_stats,
// malloc_trim, mallopt; and the functions of <tarn/malloc.h>.

#include <algorithm>
#include <errno.h>
#include <limits>
#include <malloc.h>
#include <stdio.h>

#include "preload/export.h"
#include "preload/statistics_report.h"
#include "src/heap/slow_path.h"
#include "src/heap/statistics.h"
#include "src/heap/verify.h"
#include "src/include/tarn/malloc.h"
#include "src/include/tarn/version.h"

namespace {

tarn_statistics statistics_now()
{
    tarn_statistics statistics{};
    tarn::collect_statistics(statistics);
    return statistics;
}

/// Bytes taken from the system for pooled blocks, in use or not.
std::uint64_t pool_bytes(const tarn_statistics& s)
{
    return s.live - s.fallback_live + s.cached + s.free_in_slabs + s.untouched + s.free_dirty;
}

/// The old structure has int members; glibc lets them wrap, we stop at the largest.
int clamp(std::size_t value)
{
    return static_cast<int>(
        std::min<std::size_t>(value, std::size_t{std::numeric_limits<int>::max()}));
}

} // namespace

/// As glibc counts: "arena" and "uordblks" without the blocks that have a mapping of their own,
/// which are "hblkhd"; here these are the fallback's.
TARN_EXPORT struct mallinfo2 mallinfo2() noexcept
{
    const tarn_statistics s = statistics_now();
    struct mallinfo2 info = {};
    info.arena = pool_bytes(s);
    info.ordblks = s.slabs;
    info.hblks = s.fallback_live != 0 ? s.fallback_allocations : 0;
    info.hblkhd = s.fallback_live;
    info.fsmblks = s.cached;
    info.uordblks = s.live - s.fallback_live;
    info.fordblks = info.arena - info.uordblks;
    info.keepcost = s.free_dirty;
    return info;
}

TARN_EXPORT struct mallinfo mallinfo() noexcept
{
    const struct mallinfo2 wide = mallinfo2();
    struct mallinfo info = {};
    info.arena = clamp(wide.arena);
    info.ordblks = clamp(wide.ordblks);
    info.smblks = clamp(wide.smblks);
    info.hblks = clamp(wide.hblks);
    info.hblkhd = clamp(wide.hblkhd);
    info.fsmblks = clamp(wide.fsmblks);
    info.uordblks = clamp(wide.uordblks);
    info.fordblks = clamp(wide.fordblks);
    info.keepcost = clamp(wide.keepcost);
    return info;
}

/// The parameters are glibc's; none means anything to us, and none is refused.
TARN_EXPORT int mallopt(int, int) noexcept
{
    return 1;
}

TARN_EXPORT int malloc_trim(std::size_t) noexcept
{
    return tarn::trim_process() ? 1 : 0;
}

TARN_EXPORT void malloc_stats() noexcept
{
    tarn::print_statistics(tarn::write_to_stderr);
}

/// The elements that glibc writes and its readers look for: one heap for the pools, free blocks
/// of the caches as "fast", of the slabs as "rest", the fallback as "mmap".
TARN_EXPORT int malloc_info(int options, FILE* file) noexcept
{
    if (options != 0) {
        errno = EINVAL;
        return -1;
    }
    const tarn_statistics s = statistics_now();
    const std::uint64_t system = pool_bytes(s);
    std::uint64_t cached = 0;
    std::uint64_t in_slabs = 0;
    fputs("<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n", file);
    for (std::size_t index = 0; index < tarn::kSizeClassCount; ++index) {
        const auto size_class = static_cast<tarn::SizeClass>(index);
        const tarn::ClassStatistics sum = tarn::class_statistics(size_class);
        const std::uint64_t count = sum.cached + sum.in_slabs;
        cached += sum.cached;
        in_slabs += sum.in_slabs;
        if (count == 0) continue;
        const std::uint64_t size = tarn::block_size(size_class);
        fprintf(file, "  <size from=\"%lu\" to=\"%lu\" total=\"%lu\" count=\"%lu\"/>\n",
                index < 2 ? 1 : tarn::block_size(static_cast<tarn::SizeClass>(index - 1)) + 1, size,
                size * count, count);
    }
    const auto totals = [&] {
        fprintf(file,
                "<total type=\"fast\" count=\"%lu\" size=\"%lu\"/>\n"
                "<total type=\"rest\" count=\"%lu\" size=\"%lu\"/>\n",
                cached, s.cached, in_slabs, s.free_in_slabs);
    };
    const auto system_sizes = [&](std::uint64_t current, std::uint64_t most) {
        fprintf(file,
                "<system type=\"current\" size=\"%lu\"/>\n<system type=\"max\" size=\"%lu\"/>\n"
                "<aspace type=\"total\" size=\"%lu\"/>\n"
                "<aspace type=\"mprotect\" size=\"%lu\"/>\n",
                current, most, current, current);
    };
    fputs("</sizes>\n", file);
    totals();
    system_sizes(system, std::max(system, s.peak));
    fputs("</heap>\n", file);
    totals();
    fprintf(file, "<total type=\"mmap\" count=\"%lu\" size=\"%lu\"/>\n",
            s.fallback_live != 0 ? s.fallback_allocations : 0, s.fallback_live);
    system_sizes(system + s.fallback_live, std::max(system + s.fallback_live, s.peak));
    fputs("</malloc>\n", file);
    return 0;
}

TARN_EXPORT int tarn_get_statistics(tarn_statistics* statistics)
{
    if (statistics->size < offsetof(tarn_statistics, misses)) {
        errno = EINVAL;
        return -1;
    }
    // A caller built against an older header has a shorter struct.
    tarn_statistics now = statistics_now();
    now.size = statistics->size;
    const auto* const from = reinterpret_cast<const char*>(&now);
    std::copy_n(from, std::min(statistics->size, sizeof(now)), reinterpret_cast<char*>(statistics));
    return 0;
}

TARN_EXPORT int tarn_trim()
{
    return tarn::trim_process() ? 1 : 0;
}

TARN_EXPORT int tarn_verify()
{
    tarn::verify_heap();
    return 0;
}

TARN_EXPORT const char* tarn_version()
{
    return TARN_VERSION;
}
