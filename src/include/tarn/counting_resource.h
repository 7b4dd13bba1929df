// SPDX-License-Identifier: MIT
//
// What goes through to another resource, counted.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory_resource>

#include <tarn/api.h>
#include <tarn/resource.h>

namespace tarn {

/// What wrappers are made of: passes everything on, and counts it. Totals are exact and the peak is
/// one that was reached, with any number of threads.
///
/// Cost: some atomic additions. Thread safety: any thread at any time, as far as upstream lets
/// them.
class TARN_API WrapperResource : public Resource {
public:
    /// Bytes in use now.
    std::size_t in_use() const noexcept { return in_use_.load(std::memory_order_relaxed); }

protected:
    WrapperResource(const char* name, std::pmr::memory_resource* upstream);
    ~WrapperResource() override;

    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override;
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;
    bool do_owns(const void* address) const noexcept override;
    std::pmr::memory_resource* do_upstream() const noexcept override
    {
        return upstream_.resource();
    }
    ResourceStatistics do_statistics() const override;

    /// Counts a request of `bytes` and returns the block that came of it.
    void* counted(void* block, std::size_t bytes) noexcept;
    /// Counts a block that goes back.
    void uncount(std::size_t bytes) noexcept;

    detail::Upstream& below() noexcept { return upstream_; }

private:
    detail::Upstream upstream_;
    // Relaxed, all of them: sums that order nothing.
    std::atomic<std::uint64_t> allocations_{0};
    std::atomic<std::uint64_t> deallocations_{0};
    std::atomic<std::uint64_t> failures_{0};
    std::atomic<std::size_t> in_use_{0};
    std::atomic<std::size_t> peak_{0};
};

/// Only counts: statistics for a resource that has none, as malloc_resource().
class TARN_API CountingResource final : public WrapperResource {
public:
    explicit CountingResource(std::pmr::memory_resource* upstream = nullptr,
                              const char* name = "counting")
        : WrapperResource(name, upstream)
    {}
    ~CountingResource() override;
};

} // namespace tarn
