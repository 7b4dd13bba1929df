// SPDX-License-Identifier: MIT
//
// Whole pages from the system, for those who cut them up: arenas, pools, buffers.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include <tarn/api.h>
#include <tarn/resource.h>

namespace tarn {

namespace detail {
class BlockLedger;
} // namespace detail

/// What a PageResource does to the pages of a block.
struct PageOptions {
    const char* name = "pages";
    /// A page behind each block that may not be touched: an overflow ends the process there. The
    /// block ends at that page, as far as its alignment lets it.
    bool guard = false;
    /// The kernel is asked for huge pages.
    bool huge = false;
    /// As of ArenaOptions.
    bool checked = false;

    /// For finding who writes behind a block. (Checked blocks keep 16 bytes in front of the page.)
    static constexpr PageOptions guarded() { return {.guard = true}; }
    /// For tables of many MiB that are read all over.
    static constexpr PageOptions large() { return {.huge = true}; }
};

/// Each block has pages of its own, which read as zero; its alignment may be larger than a page.
/// Giving it back gives the pages back.
///
/// Cost: a system call or two for each call, and a page fault for each page touched. Thread safety:
/// any thread at any time.
class TARN_API PageResource final : public Resource {
public:
    using Options = PageOptions;

    PageResource() : PageResource(Options{}) {}
    explicit PageResource(const Options& options);
    ~PageResource() override;

    /// Resizes a block, moving its pages without copying them where it cannot stay. Requires: an
    /// alignment of at most a page; neither guard nor checked, else refused. Errors: nullptr, with
    /// the block as it was.
    [[nodiscard]] void* try_reallocate(void* block, std::size_t bytes,
                                       std::size_t new_bytes) noexcept;

    /// Bytes of a page.
    static std::size_t page_size() noexcept;

protected:
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override;
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;
    /// Of checked ones; else unknown.
    bool do_owns(const void* address) const noexcept override;
    ResourceStatistics do_statistics() const override;

private:
    struct Extent {
        std::size_t offset; // of the block in its pages
        std::size_t bytes;  // of its pages, without the guard
    };
    Extent extent_of(std::size_t bytes, std::size_t alignment) const noexcept;
    void count(std::size_t bytes, std::size_t pages) noexcept;

    Options options_;
    std::size_t gap_;
    // Relaxed: sums that nobody decides by.
    std::atomic<std::uint64_t> allocations_{0};
    std::atomic<std::uint64_t> deallocations_{0};
    std::atomic<std::uint64_t> failures_{0};
    std::atomic<std::size_t> in_use_{0};
    std::atomic<std::size_t> peak_in_use_{0};
    std::atomic<std::size_t> reserved_{0};
    std::atomic<std::size_t> peak_reserved_{0};
    mutable std::mutex mutex_;                    // guards the ledger
    std::unique_ptr<detail::BlockLedger> ledger_; // if checked
};

/// The one of the process, without guards. Never destroyed.
TARN_API PageResource* page_resource() noexcept;

} // namespace tarn
