// SPDX-License-Identifier: MIT
//
// The allocation functions of libc.

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "preload/arguments.h"
#include "preload/export.h"
#include "src/heap/allocate.h"
#include "src/heap/deallocate.h"
#include "src/heap/resize.h"
#include "src/os/errno_guard.h"
#include "src/os/memory.h"

namespace {

void* refuse(int reason)
{
    errno = reason;
    return nullptr;
}

void* aligned(std::size_t alignment, std::size_t size)
{
    if (!tarn::is_possible_size(size)) return tarn::refuse_size(1, size);
    // Beyond this the address space has no room for both.
    if (!tarn::is_possible_size(alignment)) return refuse(ENOMEM);
    return tarn::allocate_aligned(size, alignment);
}

} // namespace

// Sizes beyond PTRDIFF_MAX need no test of their own here: no pool and no fallback has them.
TARN_EXPORT void* malloc(std::size_t size) noexcept
{
    return tarn::allocate(size);
}

TARN_EXPORT void free(void* block) noexcept
{
    tarn::deallocate(block);
}

TARN_EXPORT void cfree(void* block) noexcept
{
    tarn::deallocate(block);
}

/// C23. The size is a hint that nothing here needs.
TARN_EXPORT void free_sized(void* block, std::size_t) noexcept
{
    tarn::deallocate(block);
}

TARN_EXPORT void free_aligned_sized(void* block, std::size_t, std::size_t) noexcept
{
    tarn::deallocate(block);
}

TARN_EXPORT void* calloc(std::size_t count, std::size_t size) noexcept
{
    std::size_t bytes = 0;
    if (!tarn::multiply(count, size, bytes)) [[unlikely]]
        return tarn::refuse_size(count, size);
    return tarn::allocate_zeroed(bytes);
}

TARN_EXPORT void* realloc(void* block, std::size_t size) noexcept
{
    if (block == nullptr) return tarn::allocate(size);
    if (size == 0) { // as glibc does: free, and return NULL
        tarn::deallocate(block);
        return nullptr;
    }
    if (!tarn::is_possible_size(size)) return tarn::refuse_size(1, size);
    return tarn::reallocate(block, size);
}

TARN_EXPORT void* reallocarray(void* block, std::size_t count, std::size_t size) noexcept
{
    std::size_t bytes = 0;
    if (!tarn::multiply(count, size, bytes)) return tarn::refuse_size(count, size);
    return realloc(block, bytes);
}

TARN_EXPORT int posix_memalign(void** out, std::size_t alignment, std::size_t size) noexcept
{
    if (!tarn::is_posix_alignment(alignment)) return EINVAL;
    const tarn::os::ErrnoGuard guard; // the result says it; POSIX leaves errno unspecified
    void* const block = aligned(alignment, size);
    if (block == nullptr) return ENOMEM;
    *out = block;
    return 0;
}

/// glibc 2.36 takes any alignment here, as memalign() does; C17 leaves others undefined.
TARN_EXPORT void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept
{
    return memalign(alignment, size);
}

TARN_EXPORT void* memalign(std::size_t alignment, std::size_t size) noexcept
{
    const std::size_t rounded = tarn::next_alignment(alignment);
    if (rounded == 0) return refuse(EINVAL);
    return aligned(rounded, size);
}

TARN_EXPORT void* valloc(std::size_t size) noexcept
{
    return aligned(tarn::os::kPageSize, size);
}

TARN_EXPORT void* pvalloc(std::size_t size) noexcept
{
    if (!tarn::is_possible_size(size)) return tarn::refuse_size(1, size);
    return aligned(tarn::os::kPageSize, tarn::round_up(size, tarn::os::kPageSize));
}

TARN_EXPORT std::size_t malloc_usable_size(void* block) noexcept
{
    return tarn::usable_size(block);
}
