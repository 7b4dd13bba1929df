// SPDX-License-Identifier: MIT
#include <tarn/counting_resource.h>

#include "src/resources/atomic_peak.h"

namespace tarn {

WrapperResource::WrapperResource(const char* name, std::pmr::memory_resource* upstream)
    : Resource(name), upstream_(upstream)
{}

WrapperResource::~WrapperResource() = default;
CountingResource::~CountingResource() = default;

void* WrapperResource::counted(void* block, std::size_t bytes) noexcept
{
    if (block == nullptr) {
        failures_.fetch_add(1, std::memory_order_relaxed);
        return nullptr;
    }
    allocations_.fetch_add(1, std::memory_order_relaxed);
    detail::raise_to(peak_, in_use_.fetch_add(bytes, std::memory_order_relaxed) + bytes);
    return block;
}

void WrapperResource::uncount(std::size_t bytes) noexcept
{
    deallocations_.fetch_add(1, std::memory_order_relaxed);
    in_use_.fetch_sub(bytes, std::memory_order_relaxed);
}

void* WrapperResource::do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept
{
    return counted(upstream_.try_allocate(bytes, alignment), bytes);
}

void WrapperResource::do_deallocate(void* block, std::size_t bytes, std::size_t alignment)
{
    if (block == nullptr) return;
    bytes = detail::at_least_one(bytes);
    uncount(bytes); // before another thread can have the block
    upstream_.deallocate(block, bytes, alignment);
}

bool WrapperResource::do_owns(const void* address) const noexcept
{
    const auto* const ours = dynamic_cast<const Resource*>(upstream_.resource());
    return ours != nullptr && ours->owns(address);
}

ResourceStatistics WrapperResource::do_statistics() const
{
    return {.allocations = allocations_.load(std::memory_order_relaxed),
            .deallocations = deallocations_.load(std::memory_order_relaxed),
            .failures = failures_.load(std::memory_order_relaxed),
            .in_use = in_use(),
            .peak_in_use = peak_.load(std::memory_order_relaxed),
            .reserved = in_use(),
            .peak_reserved = peak_.load(std::memory_order_relaxed)};
}

} // namespace tarn
