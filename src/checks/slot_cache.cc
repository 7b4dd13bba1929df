// SPDX-License-Identifier: MIT

#include "src/checks/slot_cache.h"

#include "src/heap/heap_registry.h"
#include "src/os/memory.h"
#include "src/os/process.h"

namespace tarn {

std::size_t SlotCache::held() const
{
    std::size_t slots = 0;
    for (const SlotShelf& shelf : shelves_)
        slots += shelf.count();
    return slots;
}

/// Between pages that nobody can write to.
SlotCache* SlotCache::create()
{
    constexpr std::size_t kSize = round_up(sizeof(SlotCache), os::kPageSize);
    auto* const pages =
        static_cast<std::byte*>(os::reserve(kSize + 2 * os::kPageSize, os::kPageSize));
    if (pages == nullptr) return nullptr;
    if (!os::commit(pages + os::kPageSize, kSize)) {
        os::unmap(pages, kSize + 2 * os::kPageSize);
        return nullptr;
    }
    // It is zero as it is, and most pages of it are never needed.
    auto* const cache = reinterpret_cast<SlotCache*>(pages + os::kPageSize);
    cache->seed_ = os::random_number() | 1U;
    return cache;
}

SlotCache* make_slot_cache(Heap& heap)
{
    SlotCache* const cache = SlotCache::create();
    heap.slots.store(cache, std::memory_order_release);
    return cache;
}

std::size_t slots_held()
{
    std::size_t slots = 0;
    for (std::size_t id = 1; id <= heap_registry.count(); ++id)
        if (const SlotCache* const cache =
                address_range.heap(id).slots.load(std::memory_order_acquire))
            slots += cache->held();
    return slots;
}

} // namespace tarn
