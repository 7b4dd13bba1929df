// SPDX-License-Identifier: MIT
//
// setrlimit(RLIMIT_AS) of a program that limits itself.
//
// The range reserved at start counts against the limit: below it, every mmap of the process would
// fail, thread stacks included. So the unused part of the range is given back first.

#include <errno.h>
#include <sys/resource.h>

#include "preload/export.h"
#include "src/heap/address_range.h"
#include "src/heap/page_heap.h"
#include "src/os/probe.h"

namespace {

void make_room(int resource, const rlimit64* next)
{
    if (resource != RLIMIT_AS || next == nullptr || next->rlim_cur == RLIM64_INFINITY) return;
    const tarn::os::LockGuard guard(tarn::page_heap.mutex());
    tarn::address_range.shrink(next->rlim_cur / 4);
}

int set_limit(int process, int resource, const rlimit64* next, rlimit64* previous)
{
    if (process == 0) make_room(resource, next);
    return tarn::os::process_limit(process, resource, next, previous);
}

} // namespace

// Defined under names of our own, because libc's headers map each pair to one symbol, which depends
// on _FILE_OFFSET_BITS: rlimit and rlimit64 are the same struct on 64-bit Linux, and so are the
// functions.
TARN_EXPORT int tarn_setrlimit(int resource, const rlimit64* next) noexcept asm("setrlimit");
TARN_EXPORT int tarn_setrlimit64(int resource, const rlimit64* next) noexcept asm("setrlimit64");
TARN_EXPORT int tarn_prlimit(pid_t process, int resource, const rlimit64* next,
                             rlimit64* previous) noexcept asm("prlimit");
TARN_EXPORT int tarn_prlimit64(pid_t process, int resource, const rlimit64* next,
                               rlimit64* previous) noexcept asm("prlimit64");

int tarn_setrlimit(int resource, const rlimit64* next) noexcept
{
    return set_limit(0, resource, next, nullptr);
}

int tarn_setrlimit64(int resource, const rlimit64* next) noexcept
{
    return set_limit(0, resource, next, nullptr);
}

int tarn_prlimit(pid_t process, int resource, const rlimit64* next, rlimit64* previous) noexcept
{
    return set_limit(process, resource, next, previous);
}

int tarn_prlimit64(pid_t process, int resource, const rlimit64* next, rlimit64* previous) noexcept
{
    return set_limit(process, resource, next, previous);
}
