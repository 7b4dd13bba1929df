// SPDX-License-Identifier: MIT

#include "src/heap/bad_free.h"

#include <atomic>

#include "src/heap/settings.h"
#include "src/heap/slow_path.h"

namespace tarn {

namespace {

constinit std::atomic<std::size_t> unknown_count{0};

struct Place {
    const SlabShape* shape;
    const Slab* slab;
    std::size_t offset; // in the slab
    std::size_t index;  // of the block that it belongs to
};

/// Requires: the granule has an owner, whose descriptor this is.
Place place_of(const void* address, Descriptor descriptor)
{
    const auto size_class =
        static_cast<SizeClass>(descriptor & ((Descriptor{1} << kOwnerShift) - 1));
    const SlabShape& shape = shape_of(size_class);
    const std::size_t first =
        AddressRange::first_granule(address_range.granule_of(address), size_class);
    const auto offset = static_cast<std::size_t>(static_cast<const std::byte*>(address) -
                                                 address_range.granule_address(first));
    return {&shape, &address_range.slab_record(first), offset, block_index(shape, offset)};
}

} // namespace

bool begins_block(const void* address, Descriptor descriptor)
{
    if (descriptor == 0) return false;
    const Place place = place_of(address, descriptor);
    const SlabShape& shape = *place.shape;
    return place.index * shape.block_size == place.offset && place.index < shape.capacity;
}

bool is_seen_free(const void* address)
{
    const Descriptor descriptor = address_range.descriptor(address_range.granule_of(address));
    const Place place = place_of(address, descriptor);
    return begins_block(address, descriptor) &&
           (place.slab->free == address || place.index >= place.slab->carved);
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
