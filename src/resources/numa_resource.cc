// SPDX-License-Identifier: MIT
#include <tarn/numa_resource.h>

#include "src/base/units.h"
#include "src/os/memory.h"
#include "src/os/numa.h"

namespace tarn {

namespace {

os::NumaPolicy policy_of(NumaPlace place)
{
    if (place == NumaPlace::node) return os::NumaPolicy::node;
    return place == NumaPlace::interleave ? os::NumaPolicy::interleave : os::NumaPolicy::local;
}

} // namespace

NumaResource::NumaResource(const Options& options)
    : Resource(options.name), pages_({.name = options.name}), place_(options.place),
      node_(options.node)
{}

std::size_t NumaResource::nodes() noexcept
{
    return os::numa_nodes();
}

void* NumaResource::do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept
{
    void* const block = pages_.try_allocate(bytes, alignment);
    if (block == nullptr) return nullptr;
    const bool is_known = place_ != NumaPlace::node || node_ < os::numa_nodes();
    if (!is_known ||
        !os::bind_pages(block, round_up(bytes, os::kPageSize), policy_of(place_), node_))
        unplaced_.fetch_add(1, std::memory_order_relaxed);
    return block;
}

void NumaResource::do_deallocate(void* block, std::size_t bytes, std::size_t alignment)
{
    pages_.deallocate(block, bytes, alignment);
}

bool NumaResource::do_owns(const void* /*address*/) const noexcept
{
    return false;
}

} // namespace tarn
