// SPDX-License-Identifier: MIT

#include "src/heap/slow_path.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "src/heap/allocate.h"
#include "src/heap/bad_free.h"
#include "src/heap/emergency.h"
#include "src/heap/give_back.h"
#include "src/heap/heap_registry.h"
#include "src/heap/large.h"
#include "src/heap/observed.h"
#include "src/heap/observed_path.h"
#include "src/heap/page_heap.h"
#include "src/heap/pressure.h"
#include "src/heap/settings.h"
#include "src/heap/stay.h"

namespace tarn {

namespace {

/// Calloc of a block this large looks for memory that is zero already; below, clearing is cheaper
/// than the look.
constexpr std::size_t kZeroFrom = KiB(2);

void* checked(void* block)
{
    return block != nullptr ? block : out_of_memory();
}

/// A block from the pools.
void* allocate_pooled(Heap* heap, SizeClass size_class, std::size_t size)
{
    if (heap == nullptr)
        return heap_registry.with_parked(
            [&](Heap& parked) { return parked.allocate_from_bin(size_class, size); });
    if (heap->is_split()) [[unlikely]]
        return heap->allocate_sampled(size_class, size);
    return heap->allocate_from_bin(size_class, size);
}

bool fits_pools(std::size_t size)
{
    return size <= kMaxPooledSize && settings.pools && address_range.granule_count() != 0;
}

void* allocate_checked(const BlockRequest& request)
{
    return checked(settings.checks->allocate(request));
}

/// The request, if it is of the sample of settings.guards. Errors: nullptr, it is not, or a limit
/// is reached.
void* allocate_guarded(const SlowPath& path, const BlockRequest& request, std::size_t padded)
{
    if (settings.guards == nullptr || request.size == 0) [[likely]]
        return nullptr;
    Heap* const heap = path.heap();
    const bool is_pooled = fits_pools(padded) && request.alignment <= kMaxPooledAlignment;
    const bool is_chosen = is_pooled ? heap != nullptr && heap->is_split() &&
                                           heap->takes_sample(size_class_for(padded))
                                     : sample_heap.choose_large(request.size);
    return is_chosen ? settings.guards->allocate(request) : nullptr;
}

bool is_guarded(const void* block)
{
    return settings.guards != nullptr && settings.guards->owns(block);
}

/// `padded` bytes for a request of `size` that is not to fail, see is_refused().
void* allocate_granted(std::size_t size, std::size_t padded, std::size_t alignment)
{
    if (settings.checks != nullptr) return settings.checks->enter_allocate(size, alignment);
    return observes_pools() ? allocate_observed(size, padded, alignment)
                            : allocate_any_way(size, padded, alignment);
}

void* allocate_anywhere(std::size_t size, std::size_t padded, std::size_t alignment)
{
    if (is_refused(size)) [[unlikely]]
        return out_of_memory();
    return allocate_granted(size, padded, alignment);
}

void* grow_granted(std::size_t size)
{
    if (size <= kMaxPooledSize || settings.checks != nullptr)
        return allocate_granted(size, size, kMinAlignment);
    const SlowPath path;
    if (!path.entered()) return checked(emergency::allocate(size, kMinAlignment));
    const std::size_t taken = with_gap(size, size, kMinAlignment);
    return checked(told(allocate_growing(taken), size, size));
}

void* cleared(void* block, std::size_t size)
{
    return block != nullptr ? std::memset(block, 0, size) : nullptr;
}

void* allocate_pooled_zeroed(const SlowPath& path, SizeClass size_class, std::size_t size)
{
    Heap* const heap = path.heap();
    if (heap != nullptr && !heap->is_split() && heap->bin_of(size_class).head == nullptr) {
        if (void* const block = heap->take_zeroed(size_class, size)) {
            heap->tick();
            return block;
        }
    }
    return cleared(allocate_pooled(path.heap(), size_class, size), size);
}

/// Frees a block in the range of the pools, whosever it is. Apart from its callers, so that they
/// need no stack frame for what is mostly a few stores.
[[gnu::noinline]] void deallocate_anywhere(void* address)
{
    const Descriptor descriptor = address_range.descriptor(address_range.granule_of(address));
    if (!begins_block(address, descriptor)) [[unlikely]]
        return tell_bad_free(address, BadFree::no_block);
    {
        const SlowPath path;
        Heap* const heap = path.entered() ? path.heap() : nullptr;
        // From outside a slow path another thread may be trimming the slab.
        const bool is_own = heap != nullptr && heap->id() == descriptor >> kOwnerShift;
        if (!is_own || !is_seen_free(address)) [[likely]] {
            tell_freed(address);
            return give_back(heap, static_cast<FreeBlock*>(address));
        }
    }
    tell_bad_free(address, BadFree::double_free);
}

/// A block of no pools that the calling thread knows of. Apart, so that who checks all blocks is
/// entered without a stack frame.
[[gnu::noinline]] void deallocate_apart(void* block, BlockKind kind)
{
    if (!address_range.contains(block) && emergency::owns(block)) return emergency::release(block);
    const SlowPath path;
    // Any lock may be held by what this signal handler interrupted: the block stays.
    if (!path.entered()) return;
    // The first call of all has only just been told that there are checks.
    if (settings.checks != nullptr) return settings.checks->deallocate({block, kind});
    if (is_guarded(block)) return settings.guards->deallocate({block, kind});
    if (owns_large(block)) {
        tell_freed(block);
        if (deallocate_large(block)) return;
    } else if (free_foreign(block)) {
        return;
    }
    count_unknown_free();
}

} // namespace

[[gnu::cold]] void* out_of_memory()
{
    pressure_counters.failures.add();
    errno = ENOMEM;
    return nullptr;
}

[[gnu::cold]] void* refuse_size(std::size_t count, std::size_t size)
{
    const SlowPath path;
    if (path.entered() && settings.checks != nullptr) settings.checks->refused(count, size);
    return out_of_memory();
}

void* allocate_any_way(std::size_t size, std::size_t padded, std::size_t alignment)
{
    const SlowPath path;
    if (!path.entered()) return checked(emergency::allocate(padded, alignment));
    // The first request of all has only just been told that there are checks.
    if (settings.checks != nullptr) return allocate_checked({size, alignment, false});
    if (void* const block = allocate_guarded(path, {size, alignment, false}, padded)) return block;
    const std::size_t taken = with_gap(size, padded, alignment);
    if (fits_pools(taken) && alignment <= kMaxPooledAlignment) {
        if (void* const block = allocate_pooled(path.heap(), size_class_for(taken), padded))
            return told(block, size, padded, alignment);
    }
    void* const block = allocate_large(std::max(taken, kMinAlignment), alignment, Zero::no);
    return checked(told(block, size, padded, alignment));
}

void* allocate_slow(std::size_t size)
{
    return allocate_anywhere(size, size, kMinAlignment);
}

void* allocate_padded_slow(std::size_t size, std::size_t padded)
{
    return allocate_anywhere(size, padded, kMinAlignment);
}

void* allocate_aligned_slow(std::size_t size, std::size_t alignment)
{
    if (alignment <= kMinAlignment) {
        asked_alignment = alignment;
        void* const block = allocate_slow(size);
        asked_alignment = 0;
        return block;
    }
    const bool pooled = size <= kMaxPooledSize && alignment <= kMaxPooledAlignment;
    return allocate_anywhere(size, pooled ? padded_for(size, alignment) : size, alignment);
}

void* allocate_zeroed_slow(std::size_t size)
{
    if (size < kZeroFrom) return cleared(allocate_anywhere(size, size, kMinAlignment), size);
    if (is_refused(size)) return out_of_memory();

    const SlowPath path;
    // Emergency memory is fresh.
    if (!path.entered()) return checked(emergency::allocate(size, kMinAlignment));
    if (settings.checks != nullptr) return allocate_checked({size, kMinAlignment, true});
    if (void* const block = allocate_guarded(path, {size, kMinAlignment, true}, size)) return block;
    const std::size_t taken = with_gap(size, size, kMinAlignment);
    if (fits_pools(taken)) {
        if (void* const block = allocate_pooled_zeroed(path, size_class_for(taken), size))
            return told(block, size, size);
    }
    return checked(told(allocate_large(taken, kMinAlignment, Zero::yes), size, size));
}

void* allocate_unchecked(std::size_t size, std::size_t alignment, Zero zero)
{
    if (fits_pools(size) && alignment <= kGranule) {
        const SizeClass size_class = size_class_for(padded_for(size, alignment));
        if (void* const block = allocate_pooled(this_thread_cache().heap, size_class, size))
            return block;
    }
    return allocate_large(std::max(size, kMinAlignment), alignment, zero);
}

void* allocate_pooled_unchecked(SizeClass size_class, std::size_t size)
{
    return allocate_pooled(this_thread_cache().heap, size_class, size);
}

void deallocate_unchecked(void* block)
{
    if (address_range.contains(block))
        give_back(this_thread_cache().heap, static_cast<FreeBlock*>(block));
    else
        deallocate_large(block);
}

void deallocate_overflow(void* address)
{
    ThreadCache& cache = this_thread_cache();
    const std::size_t granule = address_range.granule_of(address);
    const std::size_t index = address_range.descriptor(granule) ^ cache.self;
    Bin& bin = bin_at(cache, index);
    bin.account += kPushStep; // push() took it and had no use for it
    if (bin.head == address) [[unlikely]]
        return tell_bad_free(address, BadFree::double_free);
    deallocate_anywhere(address);
}

void deallocate_slow(void* address)
{
    if (observes_pools() && deallocate_observed(address)) return;
    const std::size_t granule = address_range.granule_of(address);
    ThreadCache& cache = this_thread_cache();
    if (cache.heap != nullptr && !cache.busy) [[likely]] {
        const SizeClass size_class = class_of(address_range.descriptor(granule));
        if (append_remote(cache, granule, size_class, static_cast<FreeBlock*>(address))) return;
    }
    deallocate_anywhere(address);
}

void deallocate_foreign(void* block, BlockKind kind)
{
    if (block == nullptr) return;
    if (settings.checks != nullptr) return settings.checks->enter_deallocate(block, kind);
    deallocate_apart(block, kind);
}

std::size_t foreign_usable_size(const void* block)
{
    if (block == nullptr) return 0;
    if (emergency::owns(block)) return emergency::usable_size(block);
    const SlowPath path;
    if (!path.entered())
        return settings.checks != nullptr ? settings.checks->usable_size_outside(block)
                                          : large_usable_size_unlocked(block);
    if (settings.checks != nullptr) return settings.checks->usable_size(block);
    if (is_guarded(block)) return settings.guards->usable_size(block);
    if (owns_large(block)) return large_usable_size(block);
    return foreign_size(block);
}

void* allocate_to_grow(std::size_t size)
{
    return is_refused(size) ? out_of_memory() : grow_granted(size);
}

void* reallocate_foreign(void* block, std::size_t size)
{
    // For all that it comes to: a block that grows in place might as well have had to move.
    if (may_be_refused() && size > foreign_usable_size(block) && is_refused(size))
        return out_of_memory();
    {
        const SlowPath path;
        if (path.entered() && settings.checks != nullptr && !emergency::owns(block))
            return checked(settings.checks->reallocate(block, size));
        // Down into the pools a large block must move; otherwise its back end may know better.
        const std::size_t taken = with_gap(size, size, kMinAlignment);
        if (path.entered() && !fits_pools(taken) && owns_large(block))
            if (void* const resized =
                    told_resize(block, size, [&] { return resize_large(block, taken); }))
                return resized;
    }
    const std::size_t old_size = foreign_usable_size(block);
    if (old_size == 0) return out_of_memory(); // nobody's: its contents cannot be known
    void* const moved =
        size > old_size ? grow_granted(size) : allocate_granted(size, size, kMinAlignment);
    if (moved == nullptr) return nullptr;
    std::memcpy(moved, block, std::min(size, old_size));
    deallocate_foreign(block);
    return tell_moved(moved, std::min(size, old_size));
}

void* keep_in_place(void* block, std::size_t size)
{
    const SlowPath path;
    return path.entered() ? told_resize(block, size, [block] { return block; }) : block;
}

void* tell_moved(void* block, std::size_t copied)
{
    if (!is_observed(block)) return block;
    if (const SlowPath path; path.entered()) detail::tell_resized(block, copied);
    return block;
}

void run_undisturbed(void (*action)())
{
    const SlowPath path;
    if (path.entered()) action();
}

bool trim_process()
{
    pressure_counters.trims.add();
    if (!is_heap_initialised()) return false;
    const SlowPath path;
    if (!path.entered()) return false;
    const std::size_t before = page_heap.purged() + large_free();
    trim_epoch.fetch_add(1, std::memory_order_relaxed);
    if (path.heap() != nullptr) {
        publish_all(path.heap()->batches());
        path.heap()->trim();
    }
    heap_registry.trim_all_parked();
    sample_heap.trim();
    heap_registry.trim_others(&path.cache());
    page_heap.purge_all();
    purge_large();
    return page_heap.purged() + large_free() != before;
}

} // namespace tarn
