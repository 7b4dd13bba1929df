// SPDX-License-Identifier: MIT
//
// What a heap does now and then rather than on each call: give idle blocks back, and, for the
// whole process, let free memory return to the system. There is no background thread: whoever
// passes a slow path does it, at most every kTickInterval, and for a bounded time.

#include <algorithm>
#include <limits>

#include "src/heap/heap.h"
#include "src/heap/heap_registry.h"
#include "src/heap/holes.h"
#include "src/heap/large.h"
#include "src/heap/page_heap.h"
#include "src/heap/settings.h"
#include "src/os/process.h"

namespace tarn {

namespace {

constexpr std::uint64_t kTickInterval = 50; // milliseconds

/// A class whose slow paths moved less than this share of its free blocks is quiet.
constexpr std::uint64_t kQuietBelow = 8;

/// What is given back is in proportion to the time that has passed, so that it takes 5 to 15 % of
/// it; and at once no more than for kMostElapsed milliseconds. A page by itself takes 1.8 us, one
/// of a whole chunk 0.2 to 0.4 us (measured 2026-11-21).
constexpr std::size_t kPunchedPerMillisecond = KiB(160);
constexpr std::size_t chunks_purged_in(std::uint64_t milliseconds)
{
    return milliseconds * 3 / 4;
}
constexpr std::uint64_t kMostElapsed = 200;

/// Blocks in use per page of a slab up to which some pages are expected to have none: with two
/// per page, e^-2 = 13 % of all pages.
constexpr std::size_t kSparse = 2;

/// Slabs that a growing heap looks at, and bytes of growth after which it looks at all
/// where looking found nothing.
constexpr std::size_t kLooksToGrow = 1024;
constexpr std::size_t kPunchAtLast = MiB(32);

/// Bytes in holes that another thread punches while it keeps the owner waiting, for at most 10 ms.
constexpr std::size_t kPunchedFromOutside = MiB(16);

/// Slabs whose remote frees a tick takes home: for a thread that misses less than others free.
constexpr std::size_t kSlabsPerTick = 1024;

constexpr std::size_t kNoBound = std::numeric_limits<std::size_t>::max();

} // namespace

/// Calls `act` for each class that has slabs. The states of others are not written to: a thread
/// that allocates little has little memory behind its record.
template <class Act> void Heap::for_classes_in_use(Act act)
{
    for (std::size_t index = 0; index < kSizeClassCount; ++index)
        if (classes_[index].slabs != 0) act(static_cast<SizeClass>(index), classes_[index]);
}

/// A bin that nothing touched for a purge_delay holds memory that its thread does not need.
void Heap::flush_idle_bins()
{
    for_classes_in_use([this](SizeClass size_class, ClassState& state) {
        if (!state.used) flush_bin(size_class);
        state.used = false;
    });
}

/// A class is quiet when its slow paths since the last look moved few blocks, compared with those
/// that lie free: these will not be needed at once.
void Heap::look_for_quiet_classes()
{
    for_classes_in_use([](SizeClass, ClassState& state) {
        const std::uint64_t traffic = state.misses + state.spilled + state.unbinned;
        state.quiet = (traffic - state.traffic) * kQuietBelow < state.idle_blocks();
        state.traffic = traffic;
    });
}

void Heap::housekeep()
{
    const std::uint64_t now = os::clock_milliseconds();
    if (now < next_tick_) return;
    const std::uint64_t elapsed = std::min(now - last_tick_, kMostElapsed);
    last_tick_ = now;
    next_tick_ = now + std::min(kTickInterval, std::uint64_t{settings.purge_delay});

    const std::uint32_t epoch = trim_epoch.load(std::memory_order_relaxed);
    if (epoch != trim_epoch_) {
        trim_epoch_ = epoch;
        trim();
    }
    collect_remote(kSlabsPerTick);
    if (now >= next_idle_check_) {
        next_idle_check_ = now + settings.purge_delay;
        flush_idle_bins();
    }
    if (now >= next_quiet_check_) {
        next_quiet_check_ = now + settings.purge_delay / 2;
        look_for_quiet_classes();
    }
    punch_quiet_classes(elapsed * kPunchedPerMillisecond);
    heap_registry.trim_parked(now);
    page_heap.purge_due(now, std::max(chunks_purged_in(elapsed), std::size_t{1}));
    purge_large_due(now);
    for_classes_in_use([this](SizeClass size_class, ClassState&) { arm(size_class); });
}

/// Punches holes into slabs of a class until `most` bytes are given back, or as many slabs as
/// `looks` says are looked at, which is reduced. The first slab is the next one to be used and
/// keeps its memory. Returns bytes.
std::size_t Heap::punch_class(SizeClass size_class, Punch punch, std::size_t most,
                              std::size_t& looks)
{
    ClassState& state = this->state(size_class);
    const SlabShape& shape = shape_of(size_class);
    Slab* slab = state.with_room.front();
    if (shape.is_single_block() || slab == nullptr) return 0;
    const std::size_t pages = shape.granules * (kGranule / os::kPageSize);
    std::size_t bytes = 0;
    if (punch != Punch::all) slab = slab->next;
    for (; slab != nullptr && bytes < most && looks > 0; slab = slab->next, --looks) {
        if (punch != Punch::all && slab->free_count <= slab->free_at_punch) continue;
        const std::size_t in_use = std::size_t{slab->carved} - slab->free_count - slab->absent;
        if (punch == Punch::sparse && in_use > pages * kSparse) continue;
        const std::size_t absent = slab->absent;
        bytes += punch_holes(*slab);
        state.absent += slab->absent - absent;
    }
    return bytes;
}

void Heap::punch_quiet_classes(std::size_t most)
{
    std::size_t bytes = 0;
    std::size_t looks = kNoBound;
    for (std::size_t index = 0; index < kSizeClassCount && bytes < most; ++index) {
        ClassState& state = classes_[index];
        if (!state.quiet) continue;
        bytes += punch_class(static_cast<SizeClass>(index), Punch::changed, most - bytes, looks);
        state.quiet = bytes >= most; // otherwise it is done
    }
}

/// The heap grows. What lies free in its slabs, of other classes, is given back for that, as much
/// as the heap grows by: after a change of sizes it does not get larger. Where there is much to
/// look at and little to find, it is tried less often.
void Heap::punch_to_grow()
{
    std::size_t bytes = 0;
    std::size_t looks = kLooksToGrow;
    for (std::size_t tries = 0; tries < kSizeClassCount && bytes < fresh_ && looks > 0; ++tries) {
        const auto size_class = static_cast<SizeClass>(next_punched_);
        if (state(size_class).draining || state(size_class).gave_up_at != 0)
            bytes += punch_class(size_class, Punch::sparse, fresh_ - bytes, looks);
        if (bytes < fresh_) next_punched_ = (next_punched_ + 1) % kSizeClassCount;
    }
    if (bytes >= fresh_ / 2)
        punch_after_ = kPunchAtFirst;
    else if (looks < kLooksToGrow)
        punch_after_ = std::min(punch_after_ * 4, kPunchAtLast);
    fresh_ = 0;
}

void Heap::release_empty(SizeClass size_class)
{
    ClassState& state = this->state(size_class);
    for (Slab* slab = state.with_room.front(); slab != nullptr;) {
        Slab* const next = slab->next;
        if (slab->is_empty()) {
            state.with_room.remove(*slab);
            release_slab(*slab);
        }
        slab = next;
    }
}

void Heap::trim_slabs(Punch punch, std::size_t& most)
{
    collect_remote();
    std::size_t looks = kNoBound;
    for (std::size_t index = 0; index < kSizeClassCount && most > 0; ++index) {
        const auto size_class = static_cast<SizeClass>(index);
        release_empty(size_class);
        most -= std::min(most, punch_class(size_class, punch, most, looks));
    }
}

bool Heap::trim_may_help() const
{
    if (keeps_empty_slabs_ || to_collect_ != nullptr) return true;
    if (remote_queue_.load(std::memory_order_relaxed) != nullptr) return true;
    for (const Bin& bin : cache_->bins)
        if (bin.head != nullptr) return true;
    for (const ClassState& state : classes_)
        if (state.armed_list != nullptr) return true;
    for (std::size_t index = 0; is_split() && index < kSizeClassCount; ++index)
        if (thread_->bins[index].head != nullptr || thread_->freed[index].head != nullptr)
            return true;
    return false;
}

void Heap::trim()
{
    flush();
    keeps_empty_slabs_ = false;
    std::size_t most = kNoBound;
    trim_slabs(Punch::all, most);
}

bool Heap::trim_from_outside()
{
    std::size_t most = kPunchedFromOutside;
    trim_slabs(Punch::changed, most);
    return most > 0;
}

} // namespace tarn
