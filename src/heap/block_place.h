// SPDX-License-Identifier: MIT
//
// Where in its slab an address of the pools lies.

#pragma once

#include <cstddef>

#include "src/heap/address_range.h"

namespace tarn {

struct BlockPlace {
    SizeClass size_class;
    std::size_t first;  // granule of the slab
    std::size_t offset; // bytes from there
    std::size_t index;  // of the block that it belongs to

    const SlabShape& shape() const { return shape_of(size_class); }
    /// Whether a block begins there.
    bool begins_block() const
    {
        return index * shape().block_size == offset && index < shape().capacity;
    }
};

/// Requires: `address` is in granule `granule`, and that belongs to a heap; this is its descriptor.
[[gnu::always_inline]] inline BlockPlace place_of(const void* address, std::size_t granule,
                                                  Descriptor descriptor)
{
    const SizeClass size_class = class_of(descriptor);
    const std::size_t first = AddressRange::first_granule(granule, size_class);
    const auto offset = static_cast<std::size_t>(static_cast<const std::byte*>(address) -
                                                 address_range.granule_address(first));
    return {size_class, first, offset, block_index(shape_of(size_class), offset)};
}

inline BlockPlace place_of(const void* address)
{
    const std::size_t granule = address_range.granule_of(address);
    return place_of(address, granule, address_range.descriptor_at_once(granule));
}

} // namespace tarn
