// SPDX-License-Identifier: MIT
//
// One range of addresses that memory is put behind as it is needed: what grows in it never moves.
//
//     |block|block|.. cursor -> committed |  reserved: addresses only                       |

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <tarn/api.h>
#include <tarn/bump_resource.h>

namespace tarn {

namespace detail {
class BlockLedger;
} // namespace detail

/// How many addresses an MmapResource has, and how memory comes behind them.
struct MmapOptions {
    const char* name = "mmap";
    /// Bytes of addresses, taken when it is made. They cost nothing: 64 GiB are fine.
    std::size_t reserve = std::size_t{1} << 30;
    /// Memory is put behind them in steps of so many bytes.
    std::size_t step = std::size_t{256} << 10;
    /// The kernel is asked for huge pages.
    bool huge = false;
    /// As of ArenaOptions.
    bool checked = false;

    /// For one array that grows where it is, to tens of GiB.
    static constexpr MmapOptions array()
    {
        return {.reserve = std::size_t{64} << 30, .step = std::size_t{2} << 20, .huge = true};
    }
    /// For one of many, in a process that has little room for addresses.
    static constexpr MmapOptions small()
    {
        return {.reserve = std::size_t{1} << 20, .step = std::size_t{16} << 10};
    }
};

/// An arena in one range of addresses. Deallocation gives back only the block allocated last, which
/// also may grow and shrink where it is, up to all that is reserved. New memory reads as zero.
///
/// Thread safety: one thread at a time.
class TARN_API MmapResource final : public detail::BumpResource<MmapResource> {
public:
    using Options = MmapOptions;

    MmapResource() : MmapResource(Options{}) {}
    /// Errors: none; without addresses every request is refused.
    explicit MmapResource(const Options& options);
    ~MmapResource() override;

    /// Gives all blocks back, and the memory behind all but the first `keep` bytes to the system.
    /// What is kept does not read as zero.
    void reset(std::size_t keep = SIZE_MAX);
    /// Gives all memory back; the addresses stay.
    void release() { reset(0); }

    /// Makes the block allocated last larger or smaller. Errors: false, as ArenaResource.
    bool try_resize(void* block, std::size_t bytes, std::size_t new_bytes) noexcept;

    std::size_t reserved() const noexcept { return limit_ - begin_; }
    std::size_t committed() const noexcept { return committed_ - begin_; }

protected:
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;
    bool do_owns(const void* address) const noexcept override
    {
        return reinterpret_cast<std::uintptr_t>(address) - begin_ < cursor_ - begin_;
    }
    /// `reserved` is what is committed.
    ResourceStatistics do_statistics() const override;

private:
    friend class detail::BumpResource<MmapResource>;

    void* allocate_slowly(std::size_t bytes, std::size_t alignment);
    std::uintptr_t place(std::size_t bytes, std::size_t alignment) noexcept;
    bool commit_to(std::uintptr_t end) noexcept;
    void set_end() noexcept { end_ = gap_ == 0 ? committed_ : 0; }

    std::uintptr_t begin_ = 0; // 0: there are no addresses
    std::uintptr_t committed_ = 0;
    std::uintptr_t limit_ = 0;
    std::size_t step_;
    std::size_t gap_;
    bool huge_;
    std::uint64_t failures_ = 0;
    std::size_t peak_committed_ = 0;
    std::unique_ptr<detail::BlockLedger> ledger_; // if checked
};

} // namespace tarn
