// SPDX-License-Identifier: MIT
#include <tarn/fallback_resource.h>

namespace tarn {

namespace {

const Resource* ours(std::pmr::memory_resource* resource)
{
    return dynamic_cast<const Resource*>(resource);
}

bool owned_by(std::pmr::memory_resource* resource, const void* address)
{
    return ours(resource) != nullptr && ours(resource)->owns(address);
}

// Peaks of two need not have been at once: an upper bound.
ResourceStatistics sum_of(std::pmr::memory_resource* one, std::pmr::memory_resource* other)
{
    ResourceStatistics sum = ours(one) != nullptr ? ours(one)->statistics() : ResourceStatistics();
    if (ours(other) == nullptr) return sum;
    const ResourceStatistics more = ours(other)->statistics();
    sum.allocations += more.allocations;
    sum.deallocations += more.deallocations;
    sum.failures += more.failures;
    sum.in_use += more.in_use;
    sum.peak_in_use += more.peak_in_use;
    sum.reserved += more.reserved;
    sum.peak_reserved += more.peak_reserved;
    sum.wasted += more.wasted;
    return sum;
}

} // namespace

FallbackResource::~FallbackResource() = default;
SegregatingResource::~SegregatingResource() = default;

void* FallbackResource::do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept
{
    void* const block = first_.try_allocate(bytes, alignment);
    return block != nullptr ? block : second_.try_allocate(bytes, alignment);
}

void FallbackResource::do_deallocate(void* block, std::size_t bytes, std::size_t alignment)
{
    bytes = detail::at_least_one(bytes);
    if (first_.owns(block)) return first_.deallocate(block, bytes, alignment);
    second_.deallocate(block, bytes, alignment);
}

bool FallbackResource::do_owns(const void* address) const noexcept
{
    return first_.owns(address) || owned_by(second_.resource(), address);
}

ResourceStatistics FallbackResource::do_statistics() const
{
    return sum_of(&first_, second_.resource());
}

void* SegregatingResource::do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept
{
    return for_size(bytes).try_allocate(bytes, alignment);
}

void SegregatingResource::do_deallocate(void* block, std::size_t bytes, std::size_t alignment)
{
    bytes = detail::at_least_one(bytes);
    for_size(bytes).deallocate(block, bytes, alignment);
}

bool SegregatingResource::do_owns(const void* address) const noexcept
{
    return owned_by(small_.resource(), address) || owned_by(large_.resource(), address);
}

ResourceStatistics SegregatingResource::do_statistics() const
{
    return sum_of(small_.resource(), large_.resource());
}

} // namespace tarn
