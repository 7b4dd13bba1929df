// SPDX-License-Identifier: MIT
#include <tarn/resources.h>
#include <tarn/ring_buffer.h>

#include "src/resources/c_interface.h"

// NOLINTNEXTLINE(readability-identifier-naming): a name of C
struct tarn_ring : tarn::detail::Handle<tarn::RingBuffer> {
    using Handle::Handle;
};

using tarn::detail::guarded;
using tarn::detail::has_null;

int tarn_ring_create(tarn_ring** ring, const tarn_ring_options* options)
{
    const tarn_ring_options known = tarn::detail::known(options);
    tarn::RingOptions own;
    tarn::detail::set(own.capacity, known.capacity);
    switch (known.overflow) {
    case TARN_PARTIAL:
        own.overflow = tarn::Overflow::partial;
        break;
    case TARN_ALL_OR_NOTHING:
        own.overflow = tarn::Overflow::all_or_nothing;
        break;
    case TARN_OVERWRITE:
        own.overflow = tarn::Overflow::overwrite;
        break;
    default:
        return TARN_ERROR_INVALID;
    }
    return tarn::detail::create(ring, own, known.upstream);
}

void tarn_ring_destroy(tarn_ring* ring)
{
    tarn::detail::destroy(ring);
}

int tarn_ring_write(tarn_ring* ring, const void* data, size_t bytes, size_t* done)
{
    if (has_null(ring, data, done)) return TARN_ERROR_INVALID;
    *done = ring->resource.write({static_cast<const std::byte*>(data), bytes});
    return TARN_OK;
}

int tarn_ring_read(tarn_ring* ring, void* data, size_t bytes, size_t* done)
{
    if (has_null(ring, data, done)) return TARN_ERROR_INVALID;
    *done = ring->resource.read({static_cast<std::byte*>(data), bytes});
    return TARN_OK;
}

int tarn_ring_peek(const tarn_ring* ring, void* data, size_t bytes, size_t* done)
{
    if (has_null(ring, data, done)) return TARN_ERROR_INVALID;
    *done = ring->resource.peek({static_cast<std::byte*>(data), bytes});
    return TARN_OK;
}

int tarn_ring_readable(const tarn_ring* ring, const void** data, size_t* bytes)
{
    if (has_null(ring, data, bytes)) return TARN_ERROR_INVALID;
    const auto region = ring->resource.readable();
    *data = region.first.data();
    *bytes = region.first.size();
    return TARN_OK;
}

int tarn_ring_writable(tarn_ring* ring, void** data, size_t* bytes)
{
    if (has_null(ring, data, bytes)) return TARN_ERROR_INVALID;
    const auto region = ring->resource.writable();
    *data = region.first.data();
    *bytes = region.first.size();
    return TARN_OK;
}

int tarn_ring_commit(tarn_ring* ring, size_t bytes)
{
    if (ring == nullptr) return TARN_ERROR_INVALID;
    if (bytes > ring->resource.free_space()) return TARN_ERROR_RANGE;
    ring->resource.commit(bytes);
    return TARN_OK;
}

int tarn_ring_consume(tarn_ring* ring, size_t bytes)
{
    if (ring == nullptr) return TARN_ERROR_INVALID;
    if (bytes > ring->resource.available()) return TARN_ERROR_RANGE;
    ring->resource.consume(bytes);
    return TARN_OK;
}

int tarn_ring_get_statistics(const tarn_ring* ring, tarn_ring_statistics* statistics)
{
    if (has_null(ring, statistics)) return TARN_ERROR_INVALID;
    const tarn::RingStatistics from = ring->resource.statistics();
    *statistics = {.written = from.written,
                   .read = from.read,
                   .dropped = from.dropped,
                   .refused = from.refused,
                   .wraps = from.wraps,
                   .capacity = ring->resource.capacity(),
                   .available = ring->resource.available(),
                   .high_water = from.high_water};
    return TARN_OK;
}
