// SPDX-License-Identifier: MIT
//
// Room within the object itself for what is mostly small, and upstream for what is not.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <tarn/api.h>
#include <tarn/fixed_buffer_resource.h>
#include <tarn/resource.h>

namespace tarn {

/// Whether a StackFallbackResource looks at what comes back.
struct StackFallbackOptions {
    const char* name = "stack fallback";
    /// Misuse of blocks within the object is reported; others are upstream's.
    bool checked = false;
};

/// `Room` bytes within the object, for the first blocks; the others come from upstream. A block
/// goes back to where it came from.
///
///     StackFallbackResource<1024> resource;
///     std::pmr::vector<int> numbers(&resource);   // no malloc up to 256 of them
///
/// Cost: that of an arena as long as there is room. Thread safety: one thread at a time.
template <std::size_t Room> class StackFallbackResource final : public Resource {
public:
    using Options = StackFallbackOptions;

    StackFallbackResource() : StackFallbackResource(Options{}) {}
    explicit StackFallbackResource(const Options& options,
                                   std::pmr::memory_resource* upstream = nullptr)
        : Resource(options.name),
          fixed_(buffer_, {.name = options.name, .checked = options.checked}), upstream_(upstream)
    {}

    [[nodiscard]] void* allocate(std::size_t bytes,
                                 std::size_t alignment = alignof(std::max_align_t))
    {
        if (void* const block = fixed_.try_allocate(bytes, alignment)) [[likely]]
            return block;
        void* const block = fall_back(detail::at_least_one(bytes), alignment);
        if (block == nullptr) throw_bad_alloc();
        return block;
    }
    [[nodiscard]] void* try_allocate(std::size_t bytes,
                                     std::size_t alignment = alignof(std::max_align_t)) noexcept
    {
        if (void* const block = fixed_.try_allocate(bytes, alignment)) [[likely]]
            return block;
        return fall_back(detail::at_least_one(bytes), alignment);
    }
    void deallocate(void* block, std::size_t bytes,
                    std::size_t alignment = alignof(std::max_align_t))
    {
        if (fixed_.retreat_from(block, bytes)) return;
        if (fixed_.contains(block)) return fixed_.deallocate(block, bytes, alignment);
        if (block == nullptr) return;
        bytes = detail::at_least_one(bytes);
        upstream_.deallocate(block, bytes, alignment);
        above_.in_use -= bytes;
        above_.reserved -= bytes;
        ++above_.deallocations;
    }

    /// Blocks that had room within the object, and those that had not.
    std::uint64_t hits() const noexcept { return fixed_.statistics().allocations; }
    std::uint64_t fallbacks() const noexcept { return above_.allocations; }

protected:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override
    {
        return StackFallbackResource::allocate(bytes, alignment);
    }
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override
    {
        return StackFallbackResource::try_allocate(bytes, alignment);
    }
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override
    {
        StackFallbackResource::deallocate(block, bytes, alignment);
    }
    /// Of the blocks within the object only.
    bool do_owns(const void* address) const noexcept override { return fixed_.contains(address); }
    std::pmr::memory_resource* do_upstream() const noexcept override
    {
        return upstream_.resource();
    }
    ResourceStatistics do_statistics() const override
    {
        ResourceStatistics both = fixed_.statistics();
        both.allocations += above_.allocations;
        both.deallocations += above_.deallocations;
        both.failures = above_.failures; // what had no room here only went on
        both.in_use += above_.in_use;
        both.peak_in_use += above_.peak_in_use;
        both.reserved = above_.reserved;
        both.peak_reserved = above_.peak_reserved;
        return both;
    }

private:
    [[gnu::noinline]] void* fall_back(std::size_t bytes, std::size_t alignment) noexcept
    {
        void* const block = upstream_.try_allocate(bytes, alignment);
        if (block == nullptr) {
            ++above_.failures;
            return nullptr;
        }
        ++above_.allocations;
        above_.in_use += bytes;
        above_.reserved += bytes;
        if (above_.in_use > above_.peak_in_use)
            above_.peak_in_use = above_.peak_reserved = above_.in_use;
        return block;
    }

    alignas(std::max_align_t) std::array<std::byte, Room> buffer_;
    FixedBufferResource fixed_; // in the buffer
    detail::Upstream upstream_;
    ResourceStatistics above_; // of what upstream gave
};

} // namespace tarn
