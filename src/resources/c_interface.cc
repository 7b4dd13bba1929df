// SPDX-License-Identifier: MIT
#include "src/resources/c_interface.h"

namespace tarn::detail {

CallbackResource::CallbackResource(const tarn_upstream* functions)
    : Resource("upstream"), functions_(functions != nullptr ? *functions : tarn_upstream{})
{
    if ((functions_.allocate == nullptr) != (functions_.deallocate == nullptr))
        throw std::invalid_argument("tarn_upstream: one function without the other");
}

CallbackResource::~CallbackResource() = default;

void* CallbackResource::do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept
{
    return functions_.allocate(functions_.context, bytes, alignment);
}

void CallbackResource::do_deallocate(void* block, std::size_t bytes, std::size_t alignment)
{
    functions_.deallocate(functions_.context, block, at_least_one(bytes), alignment);
}

tarn_resource_statistics in_c(const ResourceStatistics& from)
{
    return {.allocations = from.allocations,
            .deallocations = from.deallocations,
            .failures = from.failures,
            .in_use = from.in_use,
            .peak_in_use = from.peak_in_use,
            .reserved = from.reserved,
            .peak_reserved = from.peak_reserved,
            .wasted = from.wasted};
}

} // namespace tarn::detail
