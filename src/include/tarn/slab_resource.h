// SPDX-License-Identifier: MIT
//
// Blocks of any small size, each size from slabs of its own.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>

#include <tarn/api.h>
#include <tarn/resource.h>
#include <tarn/size_steps.h>

namespace tarn {

namespace detail {
class WatchedBlocks;
} // namespace detail

/// Which sizes the blocks of a SlabResource have.
enum class SizeSteps : std::uint8_t {
    quarters, // 16, 32 ... 128, then four per doubling: at most a fifth of a block is lost
    doubling, // powers of two: fewer slabs, and up to half of a block is lost
};

/// The slabs of a SlabResource, and which sizes of blocks they have.
struct SlabOptions {
    const char* name = "slab";
    /// Bytes of a slab, a power of two from 4 KiB to 1 MiB. Requests of more than an eighth of that
    /// go to upstream.
    std::size_t slab = std::size_t{64} << 10;
    SizeSteps steps = SizeSteps::quarters;
    /// Empty slabs kept for any size; more are given back to upstream.
    std::size_t keep = 4;
    /// Each misuse is reported; each block comes from upstream on its own then.
    bool checked = false;

    /// For one of many, with little in each.
    static constexpr SlabOptions small() { return {.slab = std::size_t{8} << 10, .keep = 0}; }
    /// For a busy one whose load comes and goes: less often to upstream, and back to it.
    static constexpr SlabOptions busy() { return {.slab = std::size_t{256} << 10, .keep = 16}; }
};

/// Blocks of any size, given back one by one in any order. A slab holds blocks of one size; it is
/// found from the address of a block, and goes back when it is empty.
///
/// Cost: some fifty instructions each way. The end of the resource gives its slabs back; blocks
/// that came from upstream are the caller's. Thread safety: one thread at a time.
class TARN_API SlabResource final : public Resource {
public:
    using Options = SlabOptions;

    SlabResource() : SlabResource(Options{}) {}
    /// Errors: std::invalid_argument, if the slab has no such size.
    explicit SlabResource(const Options& options, std::pmr::memory_resource* upstream = nullptr);
    ~SlabResource() override;

    /// Gives all blocks of slabs back, and all slabs to upstream.
    void release();

    /// Slabs taken from upstream and not given back.
    std::size_t slabs() const noexcept { return slabs_; }
    /// Of these, the empty ones.
    std::size_t empty_slabs() const noexcept { return empty_count_; }
    /// The largest request that a slab serves.
    std::size_t largest() const noexcept { return largest_; }

protected:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override;
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override;
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;
    bool do_owns(const void* address) const noexcept override;
    std::pmr::memory_resource* do_upstream() const noexcept override
    {
        return upstream_.resource();
    }
    ResourceStatistics do_statistics() const override;

private:
    struct Slab;
    struct Node;
    struct Bin {
        Slab* open = nullptr; // with room, the one in use first
        Slab* full = nullptr;
    };
    static constexpr std::size_t kSizes = detail::size_step_of(std::size_t{128} << 10) + 1;

    std::size_t step_for(std::size_t bytes, std::size_t alignment) const noexcept;
    Slab* slab_of(const void* block) const noexcept;
    Slab* open_slab(std::size_t step) noexcept;
    void* allocate_large(std::size_t bytes, std::size_t alignment) noexcept;
    void retire(Slab* slab);
    void give_back(Slab* list);
    static void link(Slab*& list, Slab* slab) noexcept;
    static void unlink(Slab*& list, Slab* slab) noexcept;
    static bool contains(const Slab* list, const Slab* slab) noexcept;

    std::array<Bin, kSizes> bins_;
    std::size_t slab_size_;
    std::size_t largest_;
    SizeSteps steps_;
    std::size_t keep_;
    Slab* empty_ = nullptr; // singly linked
    std::size_t empty_count_ = 0;
    std::size_t slabs_ = 0;
    std::size_t large_bytes_ = 0; // in use
    detail::Upstream upstream_;
    std::unique_ptr<detail::WatchedBlocks> watched_; // if checked
    ResourceStatistics statistics_;
};

} // namespace tarn
