// SPDX-License-Identifier: MIT
//
// Pools of blocks of one size.
//
//     slab [head|block|block| free |block| not carved yet ...]-> slab (older) [head| ...
//
// Free blocks form a list; only when it is empty the next block is carved from the slab. So a new
// pool costs nothing, untouched pages stay so, and the blocks carved are the most that were ever
// in use at once.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>

#include <tarn/api.h>
#include <tarn/resource.h>

namespace tarn {

/// What a pool does once all its blocks are in use.
enum class Exhaustion : std::uint8_t {
    fail,     // it refuses
    grow,     // it takes another slab, as large as all it has
    upstream, // it passes such requests on, and those of other sizes, too
};

/// The blocks of a FixedPoolResource, and what it does when all are in use.
struct FixedPoolOptions {
    const char* name = "fixed pool";
    std::size_t block_size = 64;
    std::size_t alignment = alignof(std::max_align_t); // of the blocks
    std::size_t blocks = 1024;                         // of the first slab
    Exhaustion when_exhausted = Exhaustion::grow;
    /// Each misuse of a block is reported and told apart. A call costs about 100 ns then.
    bool checked = false;

    /// For objects of one type.
    template <class T> static constexpr FixedPoolOptions of()
    {
        return {.block_size = sizeof(T), .alignment = alignof(T)};
    }
    /// 50 commands of a terminal: a screen of 1920 characters and what is sent with it.
    static constexpr FixedPoolOptions commands()
    {
        return {.block_size = 2048, .blocks = 50, .when_exhausted = Exhaustion::fail};
    }
};

/// Blocks of one size, each given back on its own. A smaller request gets a whole block; a larger
/// or stricter one is refused, or passed on under Exhaustion::upstream.
///
/// Cost: an allocation inlines to some ten instructions, try_allocate_block() to fewer. Takes no
/// memory before the first request. The end of the pool gives its slabs back, whatever is in use;
/// what was passed on to upstream is the caller's. Thread safety: one thread at a time, see
/// SynchronizedResource and ThreadCachedPool. statistics() walks over the free blocks.
class TARN_API FixedPoolResource final : public Resource {
    struct Slab;
    struct Node {
        Node* next;
    };

public:
    using Options = FixedPoolOptions;

    FixedPoolResource() : FixedPoolResource(Options{}) {}
    /// Errors: std::invalid_argument, if a size or a count is nothing or too large, or the
    /// alignment is no power of two.
    explicit FixedPoolResource(const Options& options,
                               std::pmr::memory_resource* upstream = nullptr);
    ~FixedPoolResource() override;

    /// Like those of Resource; where the type is known, they are inlined.
    [[nodiscard]] void* allocate(std::size_t bytes,
                                 std::size_t alignment = alignof(std::max_align_t))
    {
        void* const block = FixedPoolResource::try_allocate(bytes, alignment);
        if (block == nullptr) [[unlikely]]
            throw_bad_alloc();
        return block;
    }
    [[nodiscard]] void* try_allocate(std::size_t bytes,
                                     std::size_t alignment = alignof(std::max_align_t)) noexcept
    {
        // Every block is aligned for a list of them: mostly that is decided when this is compiled.
        if (bytes > block_size_ || !detail::is_alignment(alignment) ||
            (alignment > alignof(Node) && alignment > alignment_)) [[unlikely]]
            return allocate_other(bytes, alignment);
        void* const block = pop();
        return block != nullptr ? block : allocate_slowly(bytes, alignment);
    }
    /// Requires: not nullptr.
    void deallocate(void* block, std::size_t bytes,
                    std::size_t alignment = alignof(std::max_align_t))
    {
        if (looks_closer_) [[unlikely]]
            return deallocate_slowly(block, bytes, alignment);
        push(block);
    }

    /// A block without the question whether it is large enough. Errors: nullptr.
    [[nodiscard]] void* try_allocate_block() noexcept
    {
        void* const block = pop();
        return block != nullptr ? block : allocate_slowly(block_size_, alignment_);
    }
    /// Requires: `block` is from try_allocate_block().
    void deallocate_block(void* block)
    {
        if (looks_closer_) [[unlikely]]
            return deallocate_slowly(block, block_size_, alignment_);
        push(block);
    }

    /// A block for each place. Errors: false, and nothing is allocated.
    [[nodiscard]] bool try_allocate_batch(std::span<void*> blocks) noexcept;

    /// Gives all blocks back, and all slabs to upstream.
    void release();
    /// Gives all blocks back, and all slabs but the newest, the largest one. Its blocks count as
    /// fresh again. Cost: O(slabs).
    void reset();

    std::size_t block_size() const noexcept { return block_size_; }
    /// Blocks of all slabs.
    std::size_t capacity() const noexcept { return capacity_; }
    /// Blocks that requests can have before the slabs are exhausted. Cost: a walk over free blocks.
    std::size_t available() const noexcept { return capacity_ - live_blocks(); }
    /// Allocations that got a block nobody had before.
    std::uint64_t fresh() const noexcept { return carved() + carved_before_; }
    /// Allocations that got a block which somebody had given back.
    std::uint64_t reuses() const noexcept { return allocations_ - overflows_ - fresh(); }
    /// Allocations passed on to upstream.
    std::uint64_t overflows() const noexcept { return overflows_; }
    /// Of all requests, also the refused, those that got a used block. 0 before the first one.
    double hit_rate() const noexcept;

protected:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override
    {
        return FixedPoolResource::allocate(bytes, alignment);
    }
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override
    {
        return FixedPoolResource::try_allocate(bytes, alignment);
    }
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override
    {
        if (block != nullptr) FixedPoolResource::deallocate(block, bytes, alignment);
    }
    bool do_owns(const void* address) const noexcept override;
    std::pmr::memory_resource* do_upstream() const noexcept override
    {
        return upstream_.resource();
    }
    ResourceStatistics do_statistics() const override;

private:
    struct Watch;

    // Where something watches, neither finds anything ever: they need not ask.
    void* pop() noexcept
    {
        Node* const node = free_;
        if (node != nullptr) [[likely]] {
            free_ = node->next;
            ++allocations_;
            return node;
        }
        if (next_ == end_) return nullptr;
        auto* const block = reinterpret_cast<void*>(next_);
        next_ += stride_;
        ++allocations_;
        return block;
    }
    void push(void* block) noexcept
    {
        auto* const node = static_cast<Node*>(block);
        node->next = free_;
        free_ = node;
    }

    void* allocate_slowly(std::size_t bytes, std::size_t alignment) noexcept;
    void* allocate_watched(std::size_t bytes, std::size_t alignment) noexcept;
    void* allocate_other(std::size_t bytes, std::size_t alignment) noexcept;
    void deallocate_slowly(void* block, std::size_t bytes, std::size_t alignment);
    void deallocate_other(void* block, std::size_t bytes, std::size_t alignment);
    bool is_misused(const void* block, const Slab& slab, std::size_t bytes,
                    std::size_t alignment) const;
    void forget_blocks();
    void drop(Slab* slab);
    bool add_slab() noexcept;
    void carve(const Slab& slab) noexcept;
    const Slab* slab_of(const void* address) const noexcept;
    std::uintptr_t first_of(const Slab& slab) const noexcept;
    std::size_t carved() const noexcept;
    std::size_t live_blocks() const noexcept;

    // What a round trip touches.
    Node* free_ = nullptr;
    std::size_t block_size_;
    std::size_t alignment_;
    std::uint64_t allocations_ = 0;
    bool looks_closer_ = false; // not any block that comes back is of a slab, or unharmed
    std::uintptr_t next_ = 0;   // to be carved
    std::uintptr_t end_ = 0;    // of the slab; 0 where something watches
    std::size_t stride_;

    Slab* slabs_ = nullptr; // the newest first
    std::size_t blocks_;    // of the first slab
    Exhaustion when_exhausted_;
    detail::Upstream upstream_;
    std::unique_ptr<Watch> watch_; // if checked, or under AddressSanitizer
    std::size_t capacity_ = 0;
    std::size_t reserved_ = 0;
    std::size_t peak_reserved_ = 0;
    std::size_t peak_before_ = 0;     // blocks in use, before a release
    std::uint64_t carved_before_ = 0; // before releases
    std::uint64_t failures_ = 0;
    std::uint64_t overflows_ = 0;
    std::uint64_t overflows_returned_ = 0;
    std::size_t overflow_bytes_ = 0; // in use
};

} // namespace tarn
