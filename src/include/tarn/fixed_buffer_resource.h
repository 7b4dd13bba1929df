// SPDX-License-Identifier: MIT
//
// Blocks in a buffer that the program has: an array, a part of a message, memory of a device.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>

#include <tarn/api.h>
#include <tarn/bump_resource.h>

namespace tarn {

namespace detail {
class BlockLedger;
} // namespace detail

/// Whether a FixedBufferResource looks at what comes back.
struct FixedBufferOptions {
    const char* name = "fixed buffer";
    /// As of ArenaOptions. 16 bytes of the buffer behind each block are lost to that.
    bool checked = false;
};

/// Allocates in a buffer, one block after the other, and refuses when it is full. Deallocation
/// gives back only the block allocated last. The buffer must outlive the resource, and is not
/// given back.
///
/// Cost: an allocation inlines to some ten instructions. Thread safety: one thread at a time.
class TARN_API FixedBufferResource final : public detail::BumpResource<FixedBufferResource> {
public:
    using Options = FixedBufferOptions;

    explicit FixedBufferResource(std::span<std::byte> buffer) : FixedBufferResource(buffer, {}) {}
    FixedBufferResource(std::span<std::byte> buffer, const Options& options);
    ~FixedBufferResource() override;

    void deallocate(void* block, std::size_t bytes,
                    std::size_t alignment = alignof(std::max_align_t))
    {
        if (retreat_from(block, bytes)) return;
        if (gap_ != 0) [[unlikely]]
            deallocate_slowly(block, detail::at_least_one(bytes), alignment);
    }

    /// Makes the block allocated last larger or smaller where it is. Errors: false, if it is not
    /// the last, there is no room, or the resource is checked.
    bool try_resize(void* block, std::size_t bytes, std::size_t new_bytes) noexcept;

    /// Gives all blocks back. Cost: none.
    void reset();

    std::size_t capacity() const noexcept { return limit_ - begin_; }

protected:
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override
    {
        FixedBufferResource::deallocate(block, bytes, alignment);
    }
    bool do_owns(const void* address) const noexcept override { return contains(address); }
    ResourceStatistics do_statistics() const override;

private:
    template <std::size_t> friend class StackFallbackResource;
    friend class detail::BumpResource<FixedBufferResource>;

    /// Gives back the block allocated last. False: it is not, or something watches.
    bool retreat_from(const void* block, std::size_t bytes) noexcept
    {
        const auto address = reinterpret_cast<std::uintptr_t>(block);
        if (address + detail::at_least_one(bytes) != cursor_ || gap_ != 0) return false;
        retreat(address);
        return true;
    }

    bool contains(const void* address) const noexcept
    {
        return reinterpret_cast<std::uintptr_t>(address) - begin_ < limit_ - begin_;
    }

    void* allocate_slowly(std::size_t bytes, std::size_t alignment);
    void deallocate_slowly(void* block, std::size_t bytes, std::size_t alignment);

    std::size_t gap_; // behind each block; 0: nothing watches
    std::uintptr_t begin_;
    std::uintptr_t limit_; // the end of the buffer
    std::uint64_t failures_ = 0;
    std::unique_ptr<detail::BlockLedger> ledger_; // if checked
};

/// As FixedBufferResource, for any number of threads at once, without a lock (but if checked).
///
/// reset() is for one thread while no other is here.
class TARN_API ConcurrentFixedBufferResource final : public Resource {
public:
    using Options = FixedBufferOptions;

    explicit ConcurrentFixedBufferResource(std::span<std::byte> buffer)
        : ConcurrentFixedBufferResource(buffer, {})
    {}
    ConcurrentFixedBufferResource(std::span<std::byte> buffer, const Options& options);
    ~ConcurrentFixedBufferResource() override;

    void reset();

    std::size_t capacity() const noexcept { return limit_ - begin_; }

protected:
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override;
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;
    bool do_owns(const void* address) const noexcept override
    {
        return reinterpret_cast<std::uintptr_t>(address) - begin_ < limit_ - begin_;
    }
    ResourceStatistics do_statistics() const override;

private:
    void* hand_out(std::uintptr_t start, std::size_t bytes, std::size_t alignment) noexcept;
    bool take_back(void* block, std::size_t bytes, std::size_t alignment);

    // Relaxed, all of them: whoever gets a block writes it first, and hands it on by means of its
    // own.
    std::atomic<std::uintptr_t> cursor_;
    std::atomic<std::uint64_t> allocations_{0};
    std::atomic<std::uint64_t> deallocations_{0};
    std::atomic<std::uint64_t> failures_{0};
    std::atomic<std::uintptr_t> high_; // as far as deallocations and resets saw
    std::size_t gap_;
    std::uintptr_t begin_;
    std::uintptr_t limit_;
    std::mutex mutex_;                            // guards the ledger
    std::unique_ptr<detail::BlockLedger> ledger_; // if checked
};

} // namespace tarn
