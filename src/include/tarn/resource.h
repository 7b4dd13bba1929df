// SPDX-License-Identifier: MIT
//
// What all resources of the library have in common.

#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <memory_resource>
#include <string>

#include <tarn/api.h>

namespace tarn {

class Resource;

/// Counts since the resource was made; sizes in bytes.
struct ResourceStatistics {
    std::uint64_t allocations = 0;   // that returned a block
    std::uint64_t deallocations = 0; // that took one back
    std::uint64_t failures = 0;      // requests refused
    std::size_t in_use = 0;          // in blocks, with what lies between them for alignment
    std::size_t peak_in_use = 0;
    std::size_t reserved = 0; // taken from upstream and not given back
    std::size_t peak_reserved = 0;
    std::size_t wasted = 0; // of reserved, what no request can have before a reset
};

/// One line, such as "allocations 3, deallocations 1, ...".
TARN_API std::ostream& operator<<(std::ostream& out, const ResourceStatistics& statistics);

/// One JSON object with the names of the members as keys.
TARN_API std::string to_json(const ResourceStatistics& statistics);

namespace detail {

/// A block needs an address of its own, so that nothing counts as one byte.
constexpr std::size_t at_least_one(std::size_t bytes)
{
    return bytes + static_cast<std::size_t>(bytes == 0);
}

/// Requests beyond are refused before any arithmetic could overflow.
inline constexpr std::size_t kMaxRequest = PTRDIFF_MAX / 2;

/// Whether it is a power of two.
constexpr bool is_alignment(std::size_t alignment)
{
    return alignment != 0 && (alignment & (alignment - 1)) == 0;
}

/// Whether bytes and alignment are such that a resource may calculate with them.
constexpr bool is_serviceable(std::size_t bytes, std::size_t alignment)
{
    return bytes <= kMaxRequest && is_alignment(alignment) && alignment <= kMaxRequest;
}

/// The resource that another one gets its memory from. One of ours is asked without exceptions.
class TARN_API Upstream {
public:
    /// nullptr: malloc_resource().
    explicit Upstream(std::pmr::memory_resource* resource);

    std::pmr::memory_resource* resource() const noexcept { return resource_; }

    /// Errors: nullptr.
    void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept;
    void deallocate(void* block, std::size_t bytes, std::size_t alignment)
    {
        resource_->deallocate(block, bytes, alignment);
    }

private:
    std::pmr::memory_resource* resource_;
    Resource* ours_; // the same, nullptr if it is not one of ours
};

} // namespace detail

/// A std::pmr::memory_resource that can also refuse without an exception, knows its blocks, and
/// counts. Every resource of the library is one.
///
/// Zero bytes count as one, so that each block has an address of its own. The address is aligned,
/// whatever the memory below is. Each class says what threads may do; where it says nothing, one
/// thread at a time. Resources are neither copied nor moved: their blocks know them by address.
class TARN_API Resource : public std::pmr::memory_resource {
public:
    Resource(const Resource&) = delete;
    Resource& operator=(const Resource&) = delete;
    ~Resource() override;

    /// Like allocate(). Requires: alignment is a power of two; else refused.
    /// Errors: nullptr, where allocate() throws std::bad_alloc.
    [[nodiscard]] void* try_allocate(std::size_t bytes,
                                     std::size_t alignment = alignof(std::max_align_t)) noexcept
    {
        return detail::is_alignment(alignment)
                   ? do_try_allocate(detail::at_least_one(bytes), alignment)
                   : nullptr;
    }

    /// Whether the address lies in memory that this resource hands out. False where that cannot be
    /// known, as of malloc.
    bool owns(const void* address) const noexcept { return do_owns(address); }

    /// Where its memory comes from; nullptr if from nowhere else.
    std::pmr::memory_resource* upstream() const noexcept { return do_upstream(); }

    /// Cost: a few loads, or a walk over its chunks.
    ResourceStatistics statistics() const { return do_statistics(); }

    /// For messages. As the options gave it.
    const char* name() const noexcept { return name_; }

protected:
    /// `name` must live as long as the resource: a literal mostly.
    explicit Resource(const char* name) noexcept : name_(name) {}

    /// Requires: bytes > 0. Whatever the alignment is. Errors: nullptr.
    virtual void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept = 0;
    virtual bool do_owns(const void* address) const noexcept = 0;
    virtual std::pmr::memory_resource* do_upstream() const noexcept { return nullptr; }
    virtual ResourceStatistics do_statistics() const = 0;

    /// Those of std::pmr. do_deallocate() is for the classes, and gets zero bytes as zero:
    /// see detail::at_least_one(). nullptr is nothing to give back.
    void* do_allocate(std::size_t bytes, std::size_t alignment) override;
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override
    {
        return this == &other;
    }

    [[noreturn]] static void throw_bad_alloc();

private:
    const char* name_;
};

/// The malloc of the process, preloaded or not: what every resource takes its memory from unless
/// told otherwise. (Not std::pmr::get_default_resource(), which may itself be one that takes from
/// here.) Never destroyed. It counts nothing, malloc does. Thread safety: as malloc.
TARN_API Resource* malloc_resource() noexcept;

} // namespace tarn
