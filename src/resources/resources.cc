// SPDX-License-Identifier: MIT
//
// The C interface, of pools, arenas and frames: each handle is one of the types of the library.

#include <algorithm>
#include <atomic>
#include <cstring>
#include <type_traits>

#include <tarn/arena_resource.h>
#include <tarn/fixed_pool_resource.h>
#include <tarn/frame_allocator.h>
#include <tarn/misuse.h>
#include <tarn/resources.h>
#include <tarn/version.h>

#include "src/resources/c_interface.h"

// NOLINTBEGIN(readability-identifier-naming): names of C
struct tarn_pool : tarn::detail::Handle<tarn::FixedPoolResource> {
    using Handle::Handle;
};
struct tarn_arena : tarn::detail::Handle<tarn::ArenaResource> {
    using Handle::Handle;
};
struct tarn_frames : tarn::detail::Handle<tarn::FrameAllocator> {
    using Handle::Handle;
};
// NOLINTEND(readability-identifier-naming)

namespace tarn {

namespace {

// Relaxed: what a handler uses is its own affair.
constinit std::atomic<tarn_misuse_handler> handler_in_c{nullptr};
void forward(const MisuseReport& report)
{
    detail::was_misused = true;
    const tarn_misuse misuse{.kind = name_of(report.kind),
                             .resource = report.resource,
                             .address = report.address,
                             .size = report.size,
                             .expected = report.expected};
    if (const tarn_misuse_handler handler = handler_in_c.load(std::memory_order_relaxed))
        handler(&misuse);
}

using Mark = ArenaResource::Mark;
static_assert(std::is_trivially_copyable_v<Mark> && sizeof(Mark) <= sizeof(tarn_arena_mark));

} // namespace

} // namespace tarn

using tarn::detail::guarded;
using tarn::detail::has_null;

const char* tarn_resources_version()
{
    return TARN_VERSION;
}

const char* tarn_strerror(int error)
{
    switch (error) {
    case TARN_OK:
        return "no error";
    case TARN_ERROR_NO_MEMORY:
        return "out of memory, or of blocks";
    case TARN_ERROR_INVALID:
        return "invalid argument";
    case TARN_ERROR_RANGE:
        return "more than there is";
    case TARN_ERROR_ORDER:
        return "there is a frame already, or none";
    case TARN_ERROR_MISUSE:
        return "misuse of a resource";
    default:
        return "unknown error";
    }
}

void tarn_set_misuse_handler(tarn_misuse_handler handler)
{
    tarn::handler_in_c.store(handler, std::memory_order_relaxed);
    tarn::set_misuse_handler(handler != nullptr ? tarn::forward : nullptr);
}

int tarn_pool_create(tarn_pool** pool, const tarn_pool_options* options)
{
    const tarn_pool_options known = tarn::detail::known(options);
    tarn::FixedPoolOptions own{.name = "pool"};
    tarn::detail::set(own.block_size, known.block_size);
    tarn::detail::set(own.alignment, known.alignment);
    tarn::detail::set(own.blocks, known.blocks);
    if (known.is_fixed != 0) own.when_exhausted = tarn::Exhaustion::fail;
    own.checked = known.is_checked != 0;
    return tarn::detail::create(pool, own, known.upstream);
}

void tarn_pool_destroy(tarn_pool* pool)
{
    tarn::detail::destroy(pool);
}

int tarn_pool_allocate(tarn_pool* pool, void** block)
{
    if (has_null(pool, block)) return TARN_ERROR_INVALID;
    return guarded([&] {
        *block = pool->resource.try_allocate_block();
        return *block != nullptr ? TARN_OK : TARN_ERROR_NO_MEMORY;
    });
}

int tarn_pool_deallocate(tarn_pool* pool, void* block)
{
    if (pool == nullptr) return TARN_ERROR_INVALID;
    if (block == nullptr) return TARN_OK;
    return guarded([&] {
        pool->resource.deallocate_block(block);
        return TARN_OK;
    });
}

int tarn_pool_owns(const tarn_pool* pool, const void* address)
{
    return tarn::detail::owns(pool, address);
}

int tarn_pool_get_statistics(const tarn_pool* pool, tarn_resource_statistics* statistics)
{
    return tarn::detail::statistics_of(pool, statistics);
}

int tarn_arena_create(tarn_arena** arena, const tarn_arena_options* options)
{
    const tarn_arena_options known = tarn::detail::known(options);
    tarn::ArenaOptions own;
    tarn::detail::set(own.growth.first, known.first);
    tarn::detail::set(own.growth.percent, known.percent);
    tarn::detail::set(own.growth.most, known.most);
    own.growth.most = std::max(own.growth.most, own.growth.first);
    tarn::detail::set(own.limit, known.limit);
    own.checked = known.is_checked != 0;
    return tarn::detail::create(arena, own, known.upstream);
}

void tarn_arena_destroy(tarn_arena* arena)
{
    tarn::detail::destroy(arena);
}

int tarn_arena_allocate(tarn_arena* arena, size_t bytes, size_t alignment, void** block)
{
    return tarn::detail::allocate(arena, bytes, alignment, block);
}

int tarn_arena_deallocate(tarn_arena* arena, void* block, size_t bytes, size_t alignment)
{
    return tarn::detail::deallocate(arena, block, bytes, alignment);
}

int tarn_arena_reset(tarn_arena* arena, size_t keep)
{
    if (arena == nullptr) return TARN_ERROR_INVALID;
    return guarded([&] {
        arena->resource.reset(keep);
        return TARN_OK;
    });
}

int tarn_arena_get_mark(tarn_arena* arena, tarn_arena_mark* mark)
{
    if (has_null(arena, mark)) return TARN_ERROR_INVALID;
    return guarded([&] {
        const tarn::Mark own = arena->resource.mark();
        std::memcpy(mark->words, &own, sizeof(own));
        return TARN_OK;
    });
}

int tarn_arena_rewind(tarn_arena* arena, const tarn_arena_mark* mark)
{
    if (has_null(arena, mark)) return TARN_ERROR_INVALID;
    return guarded([&] {
        tarn::Mark own;
        std::memcpy(&own, mark->words, sizeof(own));
        arena->resource.rewind(own);
        return TARN_OK;
    });
}

int tarn_arena_owns(const tarn_arena* arena, const void* address)
{
    return tarn::detail::owns(arena, address);
}

int tarn_arena_get_statistics(const tarn_arena* arena, tarn_resource_statistics* statistics)
{
    return tarn::detail::statistics_of(arena, statistics);
}

int tarn_frames_create(tarn_frames** frames, const tarn_frames_options* options)
{
    const tarn_frames_options known = tarn::detail::known(options);
    tarn::FrameOptions own;
    tarn::detail::set(own.growth.first, known.first);
    own.growth.most = std::max(own.growth.most, own.growth.first);
    tarn::detail::set(own.limit, known.limit);
    tarn::detail::set(own.keep, known.keep);
    own.checked = known.is_checked != 0;
    return tarn::detail::create(frames, own, known.upstream);
}

void tarn_frames_destroy(tarn_frames* frames)
{
    tarn::detail::destroy(frames);
}

int tarn_frame_begin(tarn_frames* frames)
{
    if (frames == nullptr) return TARN_ERROR_INVALID;
    return guarded([&] {
        if (frames->resource.this_thread().is_in_frame()) return TARN_ERROR_ORDER;
        frames->resource.begin_frame();
        return TARN_OK;
    });
}

int tarn_frame_end(tarn_frames* frames, size_t* bytes)
{
    if (frames == nullptr) return TARN_ERROR_INVALID;
    return guarded([&] {
        if (!frames->resource.this_thread().is_in_frame()) return TARN_ERROR_ORDER;
        const tarn::FrameSummary summary = frames->resource.end_frame();
        if (bytes != nullptr) *bytes = summary.bytes;
        return TARN_OK;
    });
}

int tarn_frame_allocate(tarn_frames* frames, size_t bytes, size_t alignment, void** block)
{
    return tarn::detail::allocate(frames, bytes, alignment, block);
}

int tarn_frames_get_statistics(const tarn_frames* frames, tarn_resource_statistics* statistics)
{
    return tarn::detail::statistics_of(frames, statistics);
}
