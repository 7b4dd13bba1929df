// SPDX-License-Identifier: MIT
//
// Blocks of any small size for many threads.
//
//     thread:  loaded [b b b]  spare [b b b b]      one pair of lists for each size
//                  |                ^
//                  v  whole batches |
//     central: [batch] [batch] [batch] ... chunk    one lock for each size

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>

#include <tarn/api.h>
#include <tarn/resource.h>

namespace tarn {

/// How a ThreadCachedPool takes memory and hands it from thread to thread.
struct ThreadCachedPoolOptions {
    const char* name = "thread cached pool";
    std::size_t largest = std::size_t{8} << 10; // larger requests go to upstream; at most 32 KiB
    std::size_t chunk = std::size_t{64} << 10;  // bytes that a size takes from upstream at a time
    std::size_t batch = std::size_t{8} << 10;   // bytes that move between a thread and the others
    /// Each misuse is reported; each block comes from upstream on its own then, under a lock.
    bool checked = false;

    /// For one of many, with little in each.
    static constexpr ThreadCachedPoolOptions small()
    {
        return {.largest = std::size_t{1} << 10,
                .chunk = std::size_t{4} << 10,
                .batch = std::size_t{1} << 10};
    }
    /// For all of a busy program: threads meet less often, and keep more.
    static constexpr ThreadCachedPoolOptions busy()
    {
        return {.largest = std::size_t{32} << 10,
                .chunk = std::size_t{512} << 10,
                .batch = std::size_t{32} << 10};
    }
};

/// A pool that any thread uses at any time, as far as upstream lets them, mostly without a lock:
/// each thread keeps up to two batches of free blocks of each size. A block may be given back by
/// any thread. What a thread keeps goes to the others when it ends.
///
/// Cost: some 45 instructions each way; one lock for a batch. Memory goes back to upstream by
/// trim(), and at the end of the pool; blocks that came from upstream on their own are the
/// caller's. Statistics of running threads are a moment old, peaks are upper bounds.
class TARN_API ThreadCachedPool final : public Resource {
public:
    using Options = ThreadCachedPoolOptions;

    ThreadCachedPool() : ThreadCachedPool(Options{}) {}
    /// Errors: std::invalid_argument, if `largest` is too large or a chunk not larger.
    explicit ThreadCachedPool(const Options& options,
                              std::pmr::memory_resource* upstream = nullptr);
    ~ThreadCachedPool() override;

    /// Gives the free blocks of the calling thread to the others.
    void flush() noexcept;

    /// Gives chunks back to upstream of which no block is in use, nor kept by another thread: see
    /// flush(), which this is, too. Returns how many bytes. Checked pools have none. Cost: a walk
    /// over all free blocks, each size under its lock.
    std::size_t trim();

    /// Batches that threads took from, or gave to, the others so far.
    std::uint64_t transfers() const;
    /// Threads that keep blocks now.
    std::size_t threads() const;

protected:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override;
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override;
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;
    bool do_owns(const void* address) const noexcept override;
    std::pmr::memory_resource* do_upstream() const noexcept override;
    ResourceStatistics do_statistics() const override;

private:
    struct Central;
    struct Bin;
    struct Cache;
    struct Block;
    struct List;
    struct OfThisThread;

    Cache* find_cache() noexcept;
    void* find_and_allocate(std::size_t step) noexcept;
    void find_and_deallocate(std::size_t step, void* block) noexcept;

    std::uint64_t id_; // no other pool ever had it
    std::shared_ptr<Central> central_;
};

} // namespace tarn
