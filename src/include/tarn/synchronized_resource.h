// SPDX-License-Identifier: MIT
#pragma once

#include <memory_resource>
#include <mutex>
#include <utility>

#include <tarn/api.h>
#include <tarn/resource.h>

namespace tarn {

/// Lets any number of threads use a resource that is for one: each call holds a lock, which is not
/// for what happens to the resource beside this one. Cost: the lock. Where that shows, see
/// ThreadCachedPool.
class TARN_API SynchronizedResource final : public Resource {
public:
    explicit SynchronizedResource(std::pmr::memory_resource& resource,
                                  const char* name = "synchronized")
        : Resource(name), upstream_(&resource)
    {}
    ~SynchronizedResource() override;

    /// Calls `work` under the lock: for a reset of the resource, say.
    template <class Work> decltype(auto) with_lock(Work&& work)
    {
        const std::lock_guard lock(mutex_);
        return std::forward<Work>(work)();
    }

protected:
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override;
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;
    bool do_owns(const void* address) const noexcept override;
    std::pmr::memory_resource* do_upstream() const noexcept override
    {
        return upstream_.resource();
    }
    /// Those of the resource, if it has some.
    ResourceStatistics do_statistics() const override;

private:
    mutable std::mutex mutex_;
    detail::Upstream upstream_; // its resource is used under the lock
};

} // namespace tarn
