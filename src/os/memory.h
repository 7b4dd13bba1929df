// SPDX-License-Identifier: MIT
//
// Address space and pages: the only place of the core that maps memory.
// Every function leaves errno as it was: malloc may set it only to say ENOMEM, and decides itself.

#pragma once

#include <cstddef>

namespace tarn::os {

/// Size of an OS page in bytes. Source: x86-64 and AArch64 Linux as Debian builds it.
inline constexpr std::size_t kPageSize = 4096;

/// Size of a huge page in bytes (PMD level).
inline constexpr std::size_t kHugePageSize = std::size_t{2} << 20;

/// Takes `size` bytes of address space without any memory behind it, aligned to `alignment`.
/// Errors: nullptr. Cost: one to three system calls, no page.
void* reserve(std::size_t size, std::size_t alignment);

/// Makes reserved pages readable and writable; they read as zero.
/// Errors: false when the system refuses (overcommit_memory=2, RLIMIT_DATA).
bool commit(void* address, std::size_t size);

/// Makes pages that commit() has made writable readable and executable instead, and as they are.
/// Errors: false, the system forbids it.
bool make_executable(void* address, std::size_t size);

/// Gives the pages back to the system at once. They stay usable and read as zero afterwards.
/// MADV_DONTNEED, never MADV_FREE: RSS must tell the truth.
void purge(void* address, std::size_t size);

/// Gives the pages back and makes every access to them a fault, until commit(). False: they were
/// not given back (mlockall), and hold what they did.
bool forbid(void* address, std::size_t size);

/// Makes pages addresses without memory again, at once for every thread: as reserve() has left
/// them, and one mapping with what surrounds them. Those of forbid() that were written to stay one
/// of their own. Errors: false, there are too many mappings; the pages are as they were.
bool restore(void* address, std::size_t size);

/// Puts memory behind committed pages at once, which would else be faulted in one by one. Cost: 1.5
/// us a page instead of 2.2 us (measured 2026-11-21, Linux 6.18, 16 KiB to 1 MiB at once). Where
/// the system cannot (before Linux 5.14), nothing happens.
void populate(void* address, std::size_t size);

/// Maps fresh zeroed memory. Errors: nullptr.
void* map(std::size_t size, std::size_t alignment);

/// Gives address space back.
void unmap(void* address, std::size_t size);

/// Grows or shrinks a mapping of map(), moving its pages without copying. Errors: nullptr, with
/// the old mapping unchanged.
void* remap(void* address, std::size_t old_size, std::size_t new_size);

enum class HugePages : bool { never, wanted };

/// Advises the kernel on transparent huge pages for the range.
void advise_huge_pages(void* address, std::size_t size, HugePages wish);

/// Replaces reserved pages with pages from the reserved huge page pool (vm.nr_hugepages).
/// Errors: false when there are not enough; the range is as before.
bool commit_huge(void* address, std::size_t size);

/// How many mappings the system lets a process have.
std::size_t most_mappings();

/// Soft RLIMIT_AS in bytes, SIZE_MAX when unlimited.
std::size_t address_space_limit();

/// Figures the kernel keeps of this process.
struct ProcessMemory {
    std::size_t resident = 0;      // bytes now
    std::size_t peak_resident = 0; // bytes
    std::size_t minor_faults = 0;
    std::size_t major_faults = 0;
};
ProcessMemory process_memory();

} // namespace tarn::os
