// SPDX-License-Identifier: MIT
#include <tarn/synchronized_resource.h>

namespace tarn {

SynchronizedResource::~SynchronizedResource() = default;

void* SynchronizedResource::do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept
{
    const std::lock_guard lock(mutex_);
    return upstream_.try_allocate(bytes, alignment);
}

void SynchronizedResource::do_deallocate(void* block, std::size_t bytes, std::size_t alignment)
{
    const std::lock_guard lock(mutex_);
    upstream_.deallocate(block, detail::at_least_one(bytes), alignment);
}

bool SynchronizedResource::do_owns(const void* address) const noexcept
{
    const auto* const ours = dynamic_cast<const Resource*>(upstream_.resource());
    const std::lock_guard lock(mutex_);
    return ours != nullptr && ours->owns(address);
}

ResourceStatistics SynchronizedResource::do_statistics() const
{
    const auto* const ours = dynamic_cast<const Resource*>(upstream_.resource());
    const std::lock_guard lock(mutex_);
    return ours != nullptr ? ours->statistics() : ResourceStatistics();
}

} // namespace tarn
