// SPDX-License-Identifier: MIT
//
// What a heap does now and then rather than on each call: give idle blocks back, and, for the
// whole process, let free memory return to the system. There is no background thread: whoever
// passes a slow path does it, at most every kTickInterval, and for a bounded time.

#include <algorithm>

#include "src/heap/heap.h"
#include "src/heap/heap_registry.h"
#include "src/heap/large.h"
#include "src/heap/page_heap.h"
#include "src/heap/settings.h"
#include "src/os/process.h"

namespace tarn {

namespace {

constexpr std::uint64_t kTickInterval = 50; // milliseconds
constexpr std::size_t kChunksPerTick = 16;  // at most 32 MiB given back at a time

} // namespace

/// A bin that nothing touched for a purge_delay holds memory that its thread does not need.
void Heap::flush_idle_bins()
{
    for (std::size_t index = 0; index < kSizeClassCount; ++index) {
        const auto size_class = static_cast<SizeClass>(index);
        ClassState& state = this->state(size_class);
        if (bin(size_class).account == state.idle_account) flush_bin(size_class);
        state.idle_account = bin(size_class).account;
    }
}

void Heap::housekeep()
{
    const std::uint64_t now = os::clock_milliseconds();
    if (now < next_tick_) return;
    next_tick_ = now + std::min(kTickInterval, std::uint64_t{settings.purge_delay});

    const std::uint32_t epoch = trim_epoch.load(std::memory_order_relaxed);
    if (epoch != trim_epoch_) {
        trim_epoch_ = epoch;
        trim();
    }
    if (now >= next_idle_check_) {
        next_idle_check_ = now + settings.purge_delay;
        flush_idle_bins();
    }
    heap_registry.trim_parked(now);
    page_heap.purge_due(now, kChunksPerTick);
    purge_large_due(now);
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

void Heap::trim()
{
    flush();
    for (std::size_t index = 0; index < kSizeClassCount; ++index)
        release_empty(static_cast<SizeClass>(index));
}

} // namespace tarn
