// SPDX-License-Identifier: MIT
//
// jemalloc as the back end: asleep until the first request, one arena, nothing kept per thread.
//
// Debian's archive is joined into one object with its public names prefixed by tarn_je_ and its
// constructor removed (join_jemalloc.sh); jemalloc_libc.cc says what it may use of libc.

#include <atomic>
#include <cstdint>

#include "src/fallback/extent_table.h"
#include "src/fallback/fallback.h"
#include "src/os/errno_guard.h"
#include "src/os/memory.h"
#include "src/os/mutex.h"
#include "src/os/stack.h"

// The part of jemalloc(3) that is used, under its prefixed names.
extern "C" {
void* tarn_je_mallocx(std::size_t size, int flags);
void* tarn_je_rallocx(void* block, std::size_t size, int flags);
std::size_t tarn_je_sallocx(const void* block, int flags);
void tarn_je_dallocx(void* block, int flags);
std::size_t tarn_je_nallocx(std::size_t size, int flags);
int tarn_je_mallctl(const char* name, void* old_value, std::size_t* old_length, void* new_value,
                    std::size_t new_length);

/// Read by jemalloc when it wakes. Its decay is off, because 5.3.0 with any decay gives blocks
/// above 8 MiB back at once and faults them in anew: malloc-large takes 6.2 s instead of 2.0 s.
/// tarn calls purge() when the memory has not been needed for purge_delay. Source:
/// design/architecture.md, "The binary", measured.
extern const char* const tarn_je_malloc_conf;
const char* const tarn_je_malloc_conf =
    "narenas:1,tcache:false,background_thread:false,oversize_threshold:0,dirty_decay_ms:-1,"
    "muzzy_decay_ms:-1,dss:disabled,thp:default";
}

namespace tarn {

namespace {

/// extent_hooks_t of jemalloc(3).
struct ExtentHooks {
    void* (*alloc)(ExtentHooks*, void* address, std::size_t size, std::size_t alignment, bool* zero,
                   bool* commit, unsigned arena);
    bool (*dalloc)(ExtentHooks*, void* address, std::size_t size, bool committed, unsigned arena);
    void (*destroy)(ExtentHooks*, void* address, std::size_t size, bool committed, unsigned arena);
    bool (*commit)(ExtentHooks*, void*, std::size_t, std::size_t, std::size_t, unsigned);
    bool (*decommit)(ExtentHooks*, void*, std::size_t, std::size_t, std::size_t, unsigned);
    bool (*purge_lazy)(ExtentHooks*, void*, std::size_t, std::size_t, std::size_t, unsigned);
    bool (*purge_forced)(ExtentHooks*, void*, std::size_t, std::size_t, std::size_t, unsigned);
    bool (*split)(ExtentHooks*, void*, std::size_t, std::size_t, std::size_t, bool, unsigned);
    bool (*merge)(ExtentHooks*, void*, std::size_t, void*, std::size_t, bool, unsigned);
};

constinit ExtentTable extents;
constinit os::Mutex extents_mutex;
constinit std::atomic<std::size_t> mapped_bytes{0};

// NOLINTBEGIN(readability-function-size): the number of parameters is jemalloc's
void* map_extent(ExtentHooks*, void* address, std::size_t size, std::size_t alignment, bool* zero,
                 bool* commit, unsigned)
{
    if (address != nullptr) return nullptr; // a place of its own choice: it can do without
    void* const extent = os::map(size, alignment);
    if (extent == nullptr) return nullptr;
    const os::LockGuard guard(extents_mutex);
    if (!extents.add(extent, size)) {
        os::unmap(extent, size);
        return nullptr;
    }
    mapped_bytes.fetch_add(size, std::memory_order_relaxed);
    *zero = true;
    *commit = true;
    return extent;
}

/// Extents stay mapped, so that the table only grows; their memory goes back by purge_extent().
bool keep_extent(ExtentHooks*, void*, std::size_t, bool, unsigned)
{
    return true;
}

bool purge_extent(ExtentHooks*, void* address, std::size_t, std::size_t offset, std::size_t length,
                  unsigned)
{
    os::purge(static_cast<std::byte*>(address) + offset, length);
    return false;
}

bool allow_split(ExtentHooks*, void*, std::size_t, std::size_t, std::size_t, bool, unsigned)
{
    return false;
}

bool allow_merge(ExtentHooks*, void*, std::size_t, void*, std::size_t, bool, unsigned)
{
    return false;
}

// NOLINTEND(readability-function-size)

constinit ExtentHooks hooks{.alloc = map_extent,
                            .dalloc = keep_extent,
                            .destroy = nullptr,
                            .commit = nullptr,
                            .decommit = nullptr,
                            .purge_lazy = nullptr,
                            .purge_forced = purge_extent,
                            .split = allow_split,
                            .merge = allow_merge};

constinit os::Mutex wake_mutex;
constinit std::atomic<bool> awake{false};

/// What jemalloc maps for itself when it starts, with some room: 5.3.0 crashes when it cannot.
constexpr std::size_t kStartMemory = MiB(8);
/// Its start takes more stack than the smallest thread has.
constexpr std::size_t kStartStack = KiB(256);

void start_jemalloc()
{
    ExtentHooks* own = &hooks;
    // NOLINTNEXTLINE(bugprone-sizeof-expression): the value of this mallctl is a pointer
    if (tarn_je_mallctl("arena.0.extent_hooks", nullptr, nullptr, &own, sizeof(ExtentHooks*)) == 0)
        awake.store(true, std::memory_order_release);
}

/// Sets up arena 0 before its first block. Errors: false, there is not enough memory now.
bool wake()
{
    if (awake.load(std::memory_order_acquire)) return true;
    const os::LockGuard guard(wake_mutex);
    if (awake.load(std::memory_order_relaxed)) return true;
    void* const room = os::map(kStartMemory, os::kPageSize);
    if (room == nullptr) return false;
    os::unmap(room, kStartMemory);
    return os::call_on_own_stack(kStartStack, start_jemalloc) &&
           awake.load(std::memory_order_relaxed);
}

// Values of jemalloc/jemalloc.h (5.3): no thread cache, arena 0.
constexpr int kNoTcache = (-1 + 2) << 8;
constexpr int kArena0 = (0 + 1) << 20;
constexpr int kZero = 0x40;
constexpr int kFlags = kNoTcache | kArena0;

/// Small sizes would get 8 bytes of alignment otherwise.
constexpr std::size_t kMinimum = 16;

int alignment_flag(std::size_t alignment)
{
    return __builtin_ctzl(alignment);
}

void* allocate(std::size_t size, std::size_t alignment, Zero zero)
{
    const os::ErrnoGuard guard;
    if (!wake()) return nullptr;
    return tarn_je_mallocx(size,
                           kFlags | alignment_flag(alignment) | (zero == Zero::yes ? kZero : 0));
}

void deallocate(void* block)
{
    const os::ErrnoGuard guard;
    tarn_je_dallocx(block, kFlags);
}

void* reallocate(void* block, std::size_t size)
{
    const os::ErrnoGuard guard;
    return tarn_je_rallocx(block, size, kFlags | alignment_flag(kMinimum));
}

std::size_t usable_size(const void* block)
{
    return tarn_je_sallocx(block, 0);
}

std::size_t size_for(std::size_t size, std::size_t alignment)
{
    const os::ErrnoGuard guard;
    return wake() ? tarn_je_nallocx(size, alignment_flag(alignment)) : 0;
}

bool owns(const void* address)
{
    return extents.contains(address);
}

void purge()
{
    const os::ErrnoGuard guard;
    if (awake.load(std::memory_order_acquire))
        tarn_je_mallctl("arena.0.purge", nullptr, nullptr, nullptr, 0);
}

std::size_t mapped()
{
    return mapped_bytes.load(std::memory_order_relaxed);
}

std::size_t dirty()
{
    const os::ErrnoGuard guard;
    if (!awake.load(std::memory_order_acquire)) return 0;
    std::uint64_t epoch = 1; // jemalloc's figures stand still until asked to move on
    tarn_je_mallctl("epoch", nullptr, nullptr, &epoch, sizeof(epoch));
    std::size_t pages = 0;
    std::size_t length = sizeof(pages);
    if (tarn_je_mallctl("stats.arenas.0.pdirty", &pages, &length, nullptr, 0) != 0) return 0;
    return pages * os::kPageSize;
}

std::size_t own_memory(std::span<MemoryRange> ranges)
{
    return extents.list(ranges);
}

} // namespace

extern constinit const FallbackBackend jemalloc_backend;
constinit const FallbackBackend jemalloc_backend{.name = "jemalloc",
                                                 .allocate = allocate,
                                                 .deallocate = deallocate,
                                                 .reallocate = reallocate,
                                                 .usable_size = usable_size,
                                                 .size_for = size_for,
                                                 .owns = owns,
                                                 .queries_lock = false,
                                                 .purge = purge,
                                                 .mapped = mapped,
                                                 .dirty = dirty,
                                                 .knows_dirty = false,
                                                 .for_each = nullptr,
                                                 .own_memory = own_memory};

} // namespace tarn
