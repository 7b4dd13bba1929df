// SPDX-License-Identifier: MIT
//
// Heaps of their own: malloc for a part of a program, whose end gives back all of its blocks.
//
//     small:  ThreadCachedPool   caches of the threads, chunks for each size
//                  |  chunks                                                  large blocks
//                  v                                                               |
//             GroupResource      remembers whatever the heap has from upstream  <--+

#pragma once

#include <cstddef>
#include <memory>
#include <memory_resource>

#include <tarn/api.h>
#include <tarn/group_resource.h>
#include <tarn/resource.h>
#include <tarn/thread_cached_pool.h>

namespace tarn {

/// How a HeapResource takes memory and hands it from thread to thread.
struct HeapOptions {
    const char* name = "heap";
    /// Larger requests each get memory of upstream; at most 32 KiB.
    std::size_t largest = std::size_t{8} << 10;
    /// Bytes that a size takes from upstream at a time, with what the heap adds.
    std::size_t chunk = std::size_t{64} << 10;
    /// Bytes that move between a thread and the others.
    std::size_t batch = std::size_t{8} << 10;
    /// Each misuse of a block is reported; each comes from upstream on its own then, under a lock.
    bool checked = false;

    /// For a plugin, a document, a script: many heaps with little in each.
    static constexpr HeapOptions small()
    {
        return {.largest = std::size_t{1} << 10,
                .chunk = std::size_t{4} << 10,
                .batch = std::size_t{1} << 10};
    }
    /// For all of a busy program: threads meet less often, and keep more.
    static constexpr HeapOptions busy()
    {
        return {.largest = std::size_t{32} << 10,
                .chunk = std::size_t{512} << 10,
                .batch = std::size_t{32} << 10};
    }
};

/// Blocks of any size, for any thread: it allocates and gives back as it likes, also what another
/// one has allocated. The end of the heap gives everything back at once, whatever is in use; so
/// does reset(), after which the heap is as new. No destructors run then.
///
/// Cost: as ThreadCachedPool, 17 ns for a block and its way back (malloc 11) on the machine it was
/// measured on, and twice that for a thread that uses heaps in turn; as GroupResource for blocks
/// larger than `largest`; the end, and reset(), a call of upstream for each chunk and large block,
/// however many blocks there are. A heap itself takes 6 KiB of malloc, each thread that comes 1.4.
/// Statistics of running threads are a moment old, `peak_in_use` is an upper bound. Thread safety:
/// any thread at any time, as far as upstream lets them; threads may live on when a heap ends.
class TARN_API HeapResource final : public Resource {
public:
    using Options = HeapOptions;

    HeapResource() : HeapResource(Options{}) {}
    /// Errors: std::invalid_argument, if `largest` is too large, or a chunk not larger.
    explicit HeapResource(const Options& options, std::pmr::memory_resource* upstream = nullptr);
    ~HeapResource() override;

    /// Gives all blocks back. Requires: nobody else uses the heap meanwhile. Errors:
    /// std::bad_alloc, with nothing done.
    void reset();

    /// As of ThreadCachedPool: chunks without a block in use go back to upstream.
    std::size_t trim() { return pool_->trim(); }
    /// As of ThreadCachedPool: gives what the calling thread keeps to the others.
    void flush() noexcept { pool_->flush(); }
    /// Threads that keep blocks now.
    std::size_t threads() const { return pool_->threads(); }

protected:
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override;
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;
    bool do_owns(const void* address) const noexcept override;
    std::pmr::memory_resource* do_upstream() const noexcept override { return group_.upstream(); }
    ResourceStatistics do_statistics() const override;

private:
    std::unique_ptr<ThreadCachedPool> make_pool();

    ThreadCachedPoolOptions options_; // of the pools, one after the other
    GroupResource group_;
    std::unique_ptr<ThreadCachedPool> pool_; // gives back to the group
    ResourceStatistics before_;              // of those before the last reset
};

} // namespace tarn
