// SPDX-License-Identifier: MIT

#include "src/heap/large.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "src/heap/budget.h"
#include "src/heap/kept_blocks.h"
#include "src/heap/pressure.h"
#include "src/heap/settings.h"
#include "src/heap/size_class.h"
#include "src/os/process.h"

namespace tarn {

constinit LargeCounters large_counters;
constinit const FallbackBackend* fallback = nullptr;

namespace {

/// When a large block was last freed, in milliseconds; 0: nothing to give back.
constinit std::atomic<std::uint64_t> freed_at{0};

/// How much freed memory the fallback may keep, and what is known of what it keeps.
///
/// A program that grows a table frees one block after the other that is too small to be used
/// again: keeping them would be waste. One that replaces large blocks wants exactly those back, and
/// faulting them in anew costs more than anything else it does. So little is kept at first, and as
/// soon as a block is wanted that has just been given back, three quarters of what is in use, or as
/// much as was given back. The latter for up to 32 MiB: so much glibc keeps (mallopt(3),
/// M_MMAP_THRESHOLD).
class KeptMemory {
public:
    constexpr explicit KeptMemory(std::size_t most_at_first)
        : most_at_first_(most_at_first), most_(most_at_first)
    {}

    void allocated(std::size_t size)
    {
        const std::size_t kept = kept_.load(std::memory_order_relaxed);
        if (kept >= size) kept_.store(kept - size, std::memory_order_relaxed);
        const std::size_t regret = regret_up_to_.load(std::memory_order_relaxed);
        if (size > regret) return;
        regret_up_to_.store(0, std::memory_order_relaxed);
        const std::size_t share = large_counters.live.load(std::memory_order_relaxed) / 4 * 3;
        const std::size_t most = most_.load(std::memory_order_relaxed);
        most_.store(std::max({most, share, std::min(regret, kMostForOne)}),
                    std::memory_order_relaxed);
    }

    /// To be told of what `backend` has just taken back. True: it keeps too much now, and all of it
    /// has to go.
    bool freed(const FallbackBackend& backend, std::size_t size)
    {
        const std::size_t kept =
            backend.knows_dirty ? backend.dirty() : kept_.load(std::memory_order_relaxed) + size;
        kept_.store(kept, std::memory_order_relaxed);
        if (size > largest_.load(std::memory_order_relaxed))
            largest_.store(size, std::memory_order_relaxed);
        return kept > most_.load(std::memory_order_relaxed);
    }

    void purged(bool because_of_age)
    {
        regret_up_to_.store(because_of_age ? 0 : largest_.load(std::memory_order_relaxed),
                            std::memory_order_relaxed);
        if (because_of_age) most_.store(most_at_first_, std::memory_order_relaxed);
        kept_.store(0, std::memory_order_relaxed);
        largest_.store(0, std::memory_order_relaxed);
    }

private:
    static constexpr std::size_t kMostForOne = MiB(32);

    const std::size_t most_at_first_;
    // An estimate where the back end does not know: threads that race may lose an update, and not
    // each block comes from what is kept.
    std::atomic<std::size_t> kept_{0};
    std::atomic<std::size_t> most_;
    std::atomic<std::size_t> largest_{0};      // block freed since the last purge
    std::atomic<std::size_t> regret_up_to_{0}; // size that would have found memory
};
constinit KeptMemory kept_memory(MiB(4));
constinit KeptMemory kept_for_growth(0);
constinit KeptBlocks kept_blocks;

void count_growth(std::size_t size)
{
    large_counters.live.fetch_add(size, std::memory_order_relaxed);
    large_counters.allocated.fetch_add(size, std::memory_order_relaxed);
}

void count_shrink(std::size_t size)
{
    large_counters.live.fetch_sub(size, std::memory_order_relaxed);
    freed_at.store(os::clock_milliseconds(), std::memory_order_relaxed);
}

/// Where blocks go that grow: a mapping of their own moves without being copied (mremap), and the
/// pages that it has come along.
const FallbackBackend& growing()
{
    return *fallback_backend(FallbackKind::mmap);
}

KeptMemory& kept_by(const FallbackBackend& backend)
{
    return &backend == fallback ? kept_memory : kept_for_growth;
}

/// Mappings are cheap to look up, and the mmap back end keeps what it frees itself.
bool keeps_blocks(const FallbackBackend& backend)
{
    return &backend != &growing();
}

void release_kept_blocks()
{
    if (!keeps_blocks(*fallback)) return;
    while (void* const block = kept_blocks.take_any())
        fallback->deallocate(block);
}

/// Gives back what the fallback and we keep for later.
void purge_fallback()
{
    release_kept_blocks();
    fallback->purge();
    growing().purge();
}

void* take_kept(std::size_t usable, std::size_t size, std::size_t alignment, Zero zero)
{
    void* const block = kept_blocks.take(usable, alignment);
    // Where sizes vary the fallback must have them all, or its memory grows by what we keep.
    if (block == nullptr) release_kept_blocks();
    return block != nullptr && zero == Zero::yes ? std::memset(block, 0, size) : block;
}

const FallbackBackend* backend_of(const void* address)
{
    if (fallback == nullptr) return nullptr;
    if (fallback->owns(address)) return fallback;
    return growing().owns(address) ? &growing() : nullptr;
}

void* allocate_from(const FallbackBackend& backend, std::size_t size, std::size_t alignment,
                    Zero zero)
{
    if (size > std::size_t{std::numeric_limits<std::ptrdiff_t>::max()}) return nullptr;
    const std::size_t usable = backend.size_for(size, alignment);
    if (usable == 0 || !budget.reserve(usable)) return nullptr;
    void* block = keeps_blocks(backend) ? take_kept(usable, size, alignment, zero) : nullptr;
    if (block == nullptr) block = backend.allocate(size, alignment, zero);
    if (block == nullptr) {
        // Address space or commit limit reached: what is free but kept may be just enough.
        purge_fallback();
        block = backend.allocate(size, alignment, zero);
    }
    if (block == nullptr) {
        pressure_counters.system.add();
        budget.release(usable);
        return nullptr;
    }
    large_counters.allocations.fetch_add(1, std::memory_order_relaxed);
    count_growth(usable);
    kept_by(backend).allocated(usable);
    return block;
}

} // namespace

void* allocate_large(std::size_t size, std::size_t alignment, Zero zero)
{
    void* const block = allocate_from(*fallback, size, alignment, zero);
    if (block != nullptr || fallback == &growing()) return block;
    // The system may still have what the fallback cannot find room for.
    return allocate_from(growing(), size, alignment, zero);
}

void* allocate_growing(std::size_t size)
{
    return allocate_from(growing(), size, kMinAlignment, Zero::no);
}

void for_each_large(BlockVisitor visit, void* context)
{
    growing().for_each(visit, context);
}

std::size_t large_free()
{
    if (fallback == nullptr) return 0;
    const std::size_t dirty = fallback->dirty() + kept_blocks.bytes();
    return fallback != &growing() ? dirty + growing().dirty() : dirty;
}

bool owns_large(const void* address)
{
    return backend_of(address) != nullptr;
}

std::size_t large_usable_size(const void* block)
{
    return backend_of(block)->usable_size(block);
}

std::size_t large_usable_size_unlocked(const void* block)
{
    if (fallback == nullptr || fallback->queries_lock || !fallback->owns(block)) return 0;
    return fallback->usable_size(block);
}

bool deallocate_large(void* block)
{
    const FallbackBackend& backend = *backend_of(block);
    if (keeps_blocks(backend) && kept_blocks.holds(block)) return false;
    const std::size_t size = backend.usable_size(block);
    void* const evicted = keeps_blocks(backend) ? kept_blocks.keep(block, size) : block;
    if (evicted != nullptr) backend.deallocate(evicted);
    large_counters.frees.fetch_add(1, std::memory_order_relaxed);
    count_shrink(size);
    budget.release(size);
    if (kept_by(backend).freed(backend, size)) {
        kept_by(backend).purged(false);
        if (keeps_blocks(backend)) release_kept_blocks();
        backend.purge();
    }
    if (settings.purge_delay == 0) purge_large();
    return true;
}

void* resize_large(void* block, std::size_t size)
{
    const FallbackBackend& backend = *backend_of(block);
    const std::size_t before = backend.usable_size(block);
    if (size > before && &backend != &growing()) return nullptr;
    const std::size_t after = backend.size_for(size, kMinAlignment);
    if (after == 0) return nullptr;
    if (after > before && !budget.reserve(after - before)) return nullptr;
    void* const moved = backend.reallocate(block, size);
    if (moved == nullptr) {
        if (after > before) budget.release(after - before);
        return nullptr;
    }
    if (after > before) {
        count_growth(after - before);
    } else if (before > after) {
        count_shrink(before - after);
        budget.release(before - after);
    }
    return moved;
}

void purge_large_due(std::uint64_t now)
{
    std::uint64_t last = freed_at.load(std::memory_order_relaxed);
    if (last == 0 || now < last + settings.purge_delay) return;
    if (!freed_at.compare_exchange_strong(last, 0, std::memory_order_relaxed)) return;
    kept_memory.purged(true);
    kept_for_growth.purged(true);
    purge_fallback();
}

void purge_large()
{
    if (fallback == nullptr) return;
    freed_at.store(0, std::memory_order_relaxed);
    kept_memory.purged(true);
    kept_for_growth.purged(true);
    purge_fallback();
}

} // namespace tarn
