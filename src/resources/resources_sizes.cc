// SPDX-License-Identifier: MIT
//
// The C interface, of what has blocks of any size: heaps, cached pools and slabs.

#include <tarn/heap_resource.h>
#include <tarn/resources.h>
#include <tarn/slab_resource.h>
#include <tarn/thread_cached_pool.h>

#include "src/resources/c_interface.h"

// NOLINTBEGIN(readability-identifier-naming): names of C
struct tarn_heap : tarn::detail::Handle<tarn::HeapResource> {
    using Handle::Handle;
};
struct tarn_cached_pool : tarn::detail::Handle<tarn::ThreadCachedPool> {
    using Handle::Handle;
};
struct tarn_slabs : tarn::detail::Handle<tarn::SlabResource> {
    using Handle::Handle;
};
// NOLINTEND(readability-identifier-naming)

namespace tarn {

namespace {

// Of heaps and of cached pools, which have the same.
template <class Options, class Known> Options options_of(const Known& known)
{
    Options own;
    detail::set(own.largest, known.largest);
    detail::set(own.chunk, known.chunk);
    detail::set(own.batch, known.batch);
    own.checked = known.is_checked != 0;
    return own;
}

template <class Handle> int trim(Handle* handle, size_t* bytes)
{
    return detail::with(handle, [&](auto& resource) {
        const std::size_t given_back = resource.trim();
        if (bytes != nullptr) *bytes = given_back;
    });
}

} // namespace

} // namespace tarn

int tarn_heap_create(tarn_heap** heap, const tarn_heap_options* options)
{
    const tarn_heap_options known = tarn::detail::known(options);
    return tarn::detail::create(heap, tarn::options_of<tarn::HeapOptions>(known), known.upstream);
}

void tarn_heap_destroy(tarn_heap* heap)
{
    tarn::detail::destroy(heap);
}

int tarn_heap_allocate(tarn_heap* heap, size_t bytes, size_t alignment, void** block)
{
    return tarn::detail::allocate(heap, bytes, alignment, block);
}

int tarn_heap_deallocate(tarn_heap* heap, void* block, size_t bytes, size_t alignment)
{
    return tarn::detail::deallocate(heap, block, bytes, alignment);
}

int tarn_heap_reset(tarn_heap* heap)
{
    return tarn::detail::with(heap, [](tarn::HeapResource& resource) { resource.reset(); });
}

int tarn_heap_trim(tarn_heap* heap, size_t* bytes)
{
    return tarn::trim(heap, bytes);
}

int tarn_heap_owns(const tarn_heap* heap, const void* address)
{
    return tarn::detail::owns(heap, address);
}

int tarn_heap_get_statistics(const tarn_heap* heap, tarn_resource_statistics* statistics)
{
    return tarn::detail::statistics_of(heap, statistics);
}

int tarn_cached_pool_create(tarn_cached_pool** pool, const tarn_cached_pool_options* options)
{
    const tarn_cached_pool_options known = tarn::detail::known(options);
    return tarn::detail::create(pool, tarn::options_of<tarn::ThreadCachedPoolOptions>(known),
                                known.upstream);
}

void tarn_cached_pool_destroy(tarn_cached_pool* pool)
{
    tarn::detail::destroy(pool);
}

int tarn_cached_pool_allocate(tarn_cached_pool* pool, size_t bytes, size_t alignment, void** block)
{
    return tarn::detail::allocate(pool, bytes, alignment, block);
}

int tarn_cached_pool_deallocate(tarn_cached_pool* pool, void* block, size_t bytes, size_t alignment)
{
    return tarn::detail::deallocate(pool, block, bytes, alignment);
}

int tarn_cached_pool_flush(tarn_cached_pool* pool)
{
    return tarn::detail::with(pool, [](tarn::ThreadCachedPool& resource) { resource.flush(); });
}

int tarn_cached_pool_trim(tarn_cached_pool* pool, size_t* bytes)
{
    return tarn::trim(pool, bytes);
}

int tarn_cached_pool_owns(const tarn_cached_pool* pool, const void* address)
{
    return tarn::detail::owns(pool, address);
}

int tarn_cached_pool_get_statistics(const tarn_cached_pool* pool,
                                    tarn_resource_statistics* statistics)
{
    return tarn::detail::statistics_of(pool, statistics);
}

int tarn_slabs_create(tarn_slabs** slabs, const tarn_slabs_options* options)
{
    const tarn_slabs_options known = tarn::detail::known(options);
    tarn::SlabOptions own;
    tarn::detail::set(own.slab, known.slab);
    tarn::detail::set(own.keep, known.keep);
    if (known.is_doubling != 0) own.steps = tarn::SizeSteps::doubling;
    own.checked = known.is_checked != 0;
    return tarn::detail::create(slabs, own, known.upstream);
}

void tarn_slabs_destroy(tarn_slabs* slabs)
{
    tarn::detail::destroy(slabs);
}

int tarn_slabs_allocate(tarn_slabs* slabs, size_t bytes, size_t alignment, void** block)
{
    return tarn::detail::allocate(slabs, bytes, alignment, block);
}

int tarn_slabs_deallocate(tarn_slabs* slabs, void* block, size_t bytes, size_t alignment)
{
    return tarn::detail::deallocate(slabs, block, bytes, alignment);
}

int tarn_slabs_release(tarn_slabs* slabs)
{
    return tarn::detail::with(slabs, [](tarn::SlabResource& resource) { resource.release(); });
}

int tarn_slabs_owns(const tarn_slabs* slabs, const void* address)
{
    return tarn::detail::owns(slabs, address);
}

int tarn_slabs_get_statistics(const tarn_slabs* slabs, tarn_resource_statistics* statistics)
{
    return tarn::detail::statistics_of(slabs, statistics);
}
