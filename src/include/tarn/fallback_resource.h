// SPDX-License-Identifier: MIT
//
// Two resources as one.

#pragma once

#include <cstddef>
#include <memory_resource>

#include <tarn/api.h>
#include <tarn/resource.h>

namespace tarn {

/// Asks a second resource for what the first one refuses. A block goes back to the first one if
/// that owns it. Thread safety: as of both.
class TARN_API FallbackResource final : public Resource {
public:
    /// Requires: `first` knows its blocks, as malloc_resource() and BufferPool do not. Both outlive
    /// this.
    explicit FallbackResource(Resource& first, std::pmr::memory_resource* second = nullptr,
                              const char* name = "fallback")
        : Resource(name), first_(first), second_(second)
    {}
    ~FallbackResource() override;

protected:
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override;
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;
    bool do_owns(const void* address) const noexcept override;
    /// The second one.
    std::pmr::memory_resource* do_upstream() const noexcept override { return second_.resource(); }
    /// Of both, as far as they count.
    ResourceStatistics do_statistics() const override;

private:
    Resource& first_;
    detail::Upstream second_;
};

/// Small requests to one resource, large ones to another. Which of them a block belongs to is told
/// by its size. Thread safety: as of both.
class TARN_API SegregatingResource final : public Resource {
public:
    /// `small` serves up to `limit` bytes. Both outlive this.
    SegregatingResource(std::size_t limit, std::pmr::memory_resource& small,
                        std::pmr::memory_resource& large, const char* name = "segregating")
        : Resource(name), limit_(limit), small_(&small), large_(&large)
    {}
    ~SegregatingResource() override;

protected:
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override;
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;
    bool do_owns(const void* address) const noexcept override;
    /// That for large ones.
    std::pmr::memory_resource* do_upstream() const noexcept override { return large_.resource(); }
    ResourceStatistics do_statistics() const override;

private:
    detail::Upstream& for_size(std::size_t bytes) noexcept
    {
        return bytes <= limit_ ? small_ : large_;
    }

    std::size_t limit_;
    detail::Upstream small_;
    detail::Upstream large_;
};

} // namespace tarn
