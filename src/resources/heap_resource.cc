// SPDX-License-Identifier: MIT
#include <algorithm>

#include <tarn/heap_resource.h>

namespace tarn {

namespace {

// The link of a chunk is part of what the caller calls a chunk, so that upstream gets even sizes.
std::size_t without_link(std::size_t chunk)
{
    return chunk - std::min(chunk, GroupResource::kOverhead);
}

} // namespace

HeapResource::HeapResource(const Options& options, std::pmr::memory_resource* upstream)
    : Resource(options.name), options_{.name = options.name,
                                       .largest = options.largest,
                                       .chunk = without_link(options.chunk),
                                       .batch = options.batch,
                                       .checked = options.checked},
      group_({.name = options.name}, upstream), pool_(make_pool())
{}

HeapResource::~HeapResource() = default;

std::unique_ptr<ThreadCachedPool> HeapResource::make_pool()
{
    return std::make_unique<ThreadCachedPool>(options_, &group_);
}

void* HeapResource::do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept
{
    return pool_->try_allocate(bytes, alignment);
}

void HeapResource::do_deallocate(void* block, std::size_t bytes, std::size_t alignment)
{
    pool_->deallocate(block, bytes, alignment);
}

bool HeapResource::do_owns(const void* address) const noexcept
{
    // The pool of a checked heap knows its blocks; else the group has all that is in chunks, too.
    return pool_->owns(address) || (!options_.checked && group_.owns(address));
}

void HeapResource::reset()
{
    // The next one first: threads know their part of a pool by its number, and forget the old one.
    std::unique_ptr<ThreadCachedPool> next = make_pool();
    const ResourceStatistics all = statistics();
    pool_ = std::move(next);
    group_.release();
    before_ = all;
    before_.deallocations = before_.allocations;
}

ResourceStatistics HeapResource::do_statistics() const
{
    ResourceStatistics sum = pool_->statistics();
    const ResourceStatistics group = group_.statistics();
    sum.allocations += before_.allocations;
    sum.deallocations += before_.deallocations;
    sum.failures += before_.failures;
    sum.peak_in_use = std::max(sum.peak_in_use, before_.peak_in_use);
    sum.reserved = group.reserved;
    sum.peak_reserved = group.peak_reserved;
    return sum;
}

} // namespace tarn
