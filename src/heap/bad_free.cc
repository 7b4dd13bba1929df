// SPDX-License-Identifier: MIT

#include "src/heap/bad_free.h"

#include <atomic>

#include "src/heap/block_place.h"
#include "src/heap/settings.h"
#include "src/heap/slow_path.h"

namespace tarn {

namespace {

constinit std::atomic<std::size_t> unknown_count{0};

} // namespace

bool begins_block(const void* address, Descriptor descriptor)
{
    return descriptor != 0 &&
           place_of(address, address_range.granule_of(address), descriptor).begins_block();
}

bool is_seen_free(const void* address)
{
    const BlockPlace place = place_of(address);
    const Slab& slab = address_range.slab_record(place.first);
    return place.begins_block() && (slab.free == address || place.index >= slab.carved);
}

[[gnu::cold]] void tell_bad_free(const void* address, BadFree what)
{
    count_unknown_free();
    if (settings.bad_free != nullptr) settings.bad_free(address, what);
}

void count_unknown_free()
{
    unknown_count.fetch_add(1, std::memory_order_relaxed);
}

std::size_t unknown_frees()
{
    return unknown_count.load(std::memory_order_relaxed);
}

} // namespace tarn
