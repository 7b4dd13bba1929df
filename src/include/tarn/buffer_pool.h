// SPDX-License-Identifier: MIT
//
// Buffers of any size that are used again.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>
#include <utility>
#include <vector>

#include <tarn/api.h>
#include <tarn/resource.h>

namespace tarn {

namespace detail {
class WatchedBlocks;
} // namespace detail

class BufferPool;

/// Which buffers a BufferPool keeps, and how many bytes of them.
struct BufferPoolOptions {
    const char* name = "buffer pool";
    std::size_t alignment = alignof(std::max_align_t); // of all buffers; 4096 for direct I/O
    std::size_t smallest = 256;                        // no buffer has fewer bytes
    std::size_t largest = std::size_t{1} << 20;        // larger ones are not kept
    std::size_t keep = std::size_t{16} << 20;          // bytes of buffers nobody uses, at most
    /// Each misuse is reported; no buffer is used again then.
    bool checked = false;

    /// For packets and requests of a server.
    static constexpr BufferPoolOptions network()
    {
        return {.smallest = std::size_t{2} << 10,
                .largest = std::size_t{64} << 10,
                .keep = std::size_t{4} << 20};
    }
    /// For files that are opened with O_DIRECT: whole pages. Source: open(2).
    static constexpr BufferPoolOptions direct_io()
    {
        return {.alignment = 4096,
                .smallest = 4096,
                .largest = std::size_t{4} << 20,
                .keep = std::size_t{64} << 20};
    }
};

/// Memory of a BufferPool, given back at its end.
class TARN_API Buffer {
public:
    Buffer() = default;
    Buffer(Buffer&& other) noexcept { swap(other); }
    Buffer& operator=(Buffer&& other) noexcept
    {
        Buffer(std::move(other)).swap(*this);
        return *this;
    }
    ~Buffer();

    std::byte* data() const noexcept { return data_; }
    /// As it was asked for.
    std::size_t size() const noexcept { return size_; }
    /// What is there, size() or more.
    std::size_t capacity() const noexcept { return capacity_; }
    std::span<std::byte> bytes() const noexcept { return {data_, size_}; }
    explicit operator bool() const noexcept { return data_ != nullptr; }

    /// Within capacity(). Errors: false, and the size is as before.
    [[nodiscard]] bool try_resize(std::size_t size) noexcept
    {
        if (size > capacity_) return false;
        size_ = size;
        return true;
    }
    void swap(Buffer& other) noexcept
    {
        std::swap(pool_, other.pool_);
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
    }

private:
    friend class BufferPool;
    Buffer(BufferPool& pool, void* data, std::size_t size, std::size_t capacity) noexcept
        : pool_(&pool), data_(static_cast<std::byte*>(data)), size_(size), capacity_(capacity)
    {}

    BufferPool* pool_ = nullptr;
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

/// Keeps buffers that are given back for the next request of about their size; at most a fifth of
/// one is lost to rounding. Buffers end before the pool.
///
/// Cost: a list per size, some eighty instructions each way. Thread safety: one thread at a time.
class TARN_API BufferPool final : public Resource {
public:
    using Options = BufferPoolOptions;

    BufferPool() : BufferPool(Options{}) {}
    /// Errors: std::invalid_argument, if the alignment is no power of two or a size too large.
    explicit BufferPool(const Options& options, std::pmr::memory_resource* upstream = nullptr);
    ~BufferPool() override;

    /// Errors: std::bad_alloc.
    [[nodiscard]] Buffer acquire(std::size_t bytes);
    /// Errors: an empty buffer.
    [[nodiscard]] Buffer try_acquire(std::size_t bytes) noexcept;

    /// Bytes of buffers that nobody uses.
    std::size_t kept() const noexcept { return statistics_.reserved - statistics_.in_use; }
    /// Requests that got a buffer which was used before.
    std::uint64_t hits() const noexcept { return statistics_.allocations - misses_; }
    /// Of all allocations. 0 before the first one.
    double hit_rate() const noexcept;
    /// Gives all that is kept back to upstream.
    void trim();

protected:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override;
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override;
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;
    bool do_owns(const void* /*address*/) const noexcept override { return false; }
    std::pmr::memory_resource* do_upstream() const noexcept override
    {
        return upstream_.resource();
    }
    ResourceStatistics do_statistics() const override;

private:
    struct Kept; // lies in the buffer itself

    struct Place {
        Kept** list; // nullptr: such buffers are not kept
        std::size_t capacity;
    };

    Place place_for(std::size_t bytes, std::size_t alignment) noexcept;

    Options options_;
    detail::Upstream upstream_;
    std::vector<Kept*> lists_; // by the number of their size
    std::uint64_t misses_ = 0;
    std::unique_ptr<detail::WatchedBlocks> watched_; // if checked
    ResourceStatistics statistics_;
};

} // namespace tarn
