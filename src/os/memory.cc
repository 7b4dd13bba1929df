// SPDX-License-Identifier: MIT

#include "src/os/memory.h"

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <sys/mman.h>
#include <sys/resource.h>

#include "src/base/text.h"
#include "src/base/units.h"
#include "src/os/errno_guard.h"
#include "src/os/file.h"

namespace tarn::os {

namespace {

/// mmap with room for the alignment, the surplus on both sides unmapped again.
void* map_aligned(std::size_t size, std::size_t alignment, int protection, int flags)
{
    const ErrnoGuard guard;
    const std::size_t extra = alignment > kPageSize ? alignment - kPageSize : 0;
    if (size > std::numeric_limits<std::size_t>::max() - extra) return nullptr;
    void* const start =
        ::mmap(nullptr, size + extra, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    if (start == MAP_FAILED) return nullptr;

    const auto address = reinterpret_cast<std::uintptr_t>(start);
    const std::uintptr_t aligned = round_up(address, alignment);
    const std::size_t head = aligned - address;
    if (head != 0) ::munmap(start, head);
    if (extra != head) ::munmap(reinterpret_cast<void*>(aligned + size), extra - head);
    return reinterpret_cast<void*>(aligned);
}

/// Reads "VmHWM:   123 kB" out of /proc/self/status.
std::size_t find_kilobytes(std::string_view text, std::string_view name)
{
    const std::size_t at = text.find(name);
    if (at == std::string_view::npos) return 0;
    std::size_t value = 0;
    for (const char c : slice(text, at + name.size())) {
        if (c >= '0' && c <= '9')
            value = value * 10 + static_cast<std::size_t>(c - '0');
        else if (value != 0 || c == '\n')
            break;
    }
    return KiB(value);
}

} // namespace

void* reserve(std::size_t size, std::size_t alignment)
{
    return map_aligned(size, alignment, PROT_NONE, MAP_NORESERVE);
}

bool commit(void* address, std::size_t size)
{
    const ErrnoGuard guard;
    return ::mprotect(address, size, PROT_READ | PROT_WRITE) == 0;
}

bool make_executable(void* address, std::size_t size)
{
    const ErrnoGuard guard;
    return ::mprotect(address, size, PROT_READ | PROT_EXEC) == 0;
}

void purge(void* address, std::size_t size)
{
    const ErrnoGuard guard;
    // EINVAL: the pages are locked (mlockall). They cannot go back, but must read as zero.
    if (::madvise(address, size, MADV_DONTNEED) != 0) __builtin_memset(address, 0, size);
}

bool forbid(void* address, std::size_t size)
{
    const ErrnoGuard guard;
    // In this order, or another thread's write would bring memory back in between.
    ::mprotect(address, size, PROT_NONE);
    return ::madvise(address, size, MADV_DONTNEED) == 0;
}

bool restore(void* address, std::size_t size)
{
    const ErrnoGuard guard;
    return ::mmap(address, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
                  -1, 0) == address;
}

void populate(void* address, std::size_t size)
{
    // In <linux/mman.h> since 5.14, in glibc's headers later.
    constexpr int kPopulateWrite = 23;
    static constinit std::atomic<bool> is_unknown{false};
    if (is_unknown.load(std::memory_order_relaxed)) return;
    const ErrnoGuard guard;
    if (::madvise(address, size, kPopulateWrite) != 0 && errno == EINVAL)
        is_unknown.store(true, std::memory_order_relaxed);
}

void* map(std::size_t size, std::size_t alignment)
{
    return map_aligned(size, alignment, PROT_READ | PROT_WRITE, 0);
}

void unmap(void* address, std::size_t size)
{
    const ErrnoGuard guard;
    ::munmap(address, size);
}

void* remap(void* address, std::size_t old_size, std::size_t new_size)
{
    const ErrnoGuard guard;
    void* const moved = ::mremap(address, old_size, new_size, MREMAP_MAYMOVE);
    return moved == MAP_FAILED ? nullptr : moved;
}

void advise_huge_pages(void* address, std::size_t size, HugePages wish)
{
    const ErrnoGuard guard;
    ::madvise(address, size, wish == HugePages::wanted ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

bool commit_huge(void* address, std::size_t size)
{
    const ErrnoGuard guard;
    // Not straight over the range: when there are too few, mmap has unmapped it already.
    void* const pages = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
    if (pages == MAP_FAILED) return false;
    if (::mremap(pages, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, address) != MAP_FAILED)
        return true;
    ::munmap(pages, size);
    // Kernels before 5.16 cannot move huge pages, and leave a hole where they should have gone.
    // NOLINTNEXTLINE(bugprone-unused-return-value): where it belongs is known
    ::mmap(address, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    return false;
}

std::size_t most_mappings()
{
    constexpr std::size_t kUsual = 65530; // <linux/mm.h>, DEFAULT_MAX_MAP_COUNT
    SmallFile<32> file;
    std::size_t number = 0;
    for (const char c : file.read("/proc/sys/vm/max_map_count")) {
        if (c < '0' || c > '9') break;
        number = number * 10 + static_cast<std::size_t>(c - '0');
    }
    return number != 0 ? number : kUsual;
}

std::size_t address_space_limit()
{
    const ErrnoGuard guard;
    rlimit limit{};
    if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return std::numeric_limits<std::size_t>::max();
    return limit.rlim_cur;
}

ProcessMemory process_memory()
{
    const ErrnoGuard guard;
    ProcessMemory figures;
    rusage usage{};
    if (::getrusage(RUSAGE_SELF, &usage) == 0) {
        figures.minor_faults = static_cast<std::size_t>(usage.ru_minflt);
        figures.major_faults = static_cast<std::size_t>(usage.ru_majflt);
    }
    SmallFile<4096> status;
    const std::string_view text = status.read("/proc/self/status");
    figures.resident = find_kilobytes(text, "VmRSS:");
    figures.peak_resident = find_kilobytes(text, "VmHWM:");
    return figures;
}

} // namespace tarn::os
