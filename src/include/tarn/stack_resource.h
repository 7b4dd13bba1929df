// SPDX-License-Identifier: MIT
//
// Blocks that are given back in reverse order: call frames, nested work, undo.
//
//     low end                                          high end
//     [..head|block|..head|block| top ->       <- top |head|block|..]
//
// A head of 16 bytes in front of each block says where the top was before it.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <new>

#include <tarn/api.h>
#include <tarn/misuse.h>
#include <tarn/resource.h>

namespace tarn {

namespace detail {

class BlockLedger;

/// The memory of a stack, which two may share.
class TARN_API StackMemory {
public:
    StackMemory(std::size_t capacity, std::pmr::memory_resource* upstream);
    StackMemory(const StackMemory&) = delete;
    StackMemory& operator=(const StackMemory&) = delete;
    ~StackMemory();

    /// Takes the memory from upstream if it was not taken yet. Errors: false.
    bool ensure() noexcept;

    Upstream upstream;
    std::size_t capacity;
    std::uintptr_t begin = 0; // 0: not taken yet
    std::uintptr_t low = 0;   // what is between these two is free
    std::uintptr_t high = 0;
    std::array<BlockLedger*, 2> ledgers{}; // of the ends, if checked
};

} // namespace detail

/// How much a StackResource holds, and whether it looks behind blocks.
struct StackOptions {
    const char* name = "stack";
    /// Taken from upstream at the first request.
    std::size_t capacity = std::size_t{64} << 10;
    /// As of ArenaOptions. That a block is given back out of order is found anyway.
    bool checked = false;
};

/// A stack of fixed capacity that refuses when it is full. What is not given back in reverse order
/// is misuse (out_of_order), always; so is a wrong size. Nothing happens then.
///
/// Cost: some twenty instructions for a pair. Thread safety: one thread at a time, for both ends
/// of a double-ended one together.
class TARN_API StackResource final : public Resource {
    struct Head {
        std::uintptr_t top;  // of the stack, before this block
        std::uintptr_t last; // block before this one; 0: none
    };

public:
    using Options = StackOptions;

    /// A moment to which release() goes back.
    class Mark {
        friend class StackResource;
        friend class StackScope;

        const StackResource* owner_;
        std::uintptr_t top_;
        std::uintptr_t last_;
        std::uint64_t depth_;
        std::uint64_t blocks_; // of the ledger
        std::uint64_t number_; // in the ledger
    };

    StackResource() : StackResource(Options{}) {}
    explicit StackResource(const Options& options, std::pmr::memory_resource* upstream = nullptr);
    ~StackResource() override;

    /// Like those of Resource; where the type is known, they are inlined.
    [[nodiscard]] void* allocate(std::size_t bytes,
                                 std::size_t alignment = alignof(std::max_align_t))
    {
        if (void* const block = push(detail::at_least_one(bytes), alignment)) [[likely]]
            return block;
        throw_bad_alloc();
    }
    [[nodiscard]] void* try_allocate(std::size_t bytes,
                                     std::size_t alignment = alignof(std::max_align_t)) noexcept
    {
        return push(detail::at_least_one(bytes), alignment);
    }
    void deallocate(void* block, std::size_t bytes,
                    std::size_t alignment = alignof(std::max_align_t))
    {
        bytes = detail::at_least_one(bytes);
        const auto address = reinterpret_cast<std::uintptr_t>(block);
        detail::StackMemory& memory = *memory_;
        if (!is_fast_ || address != last_ || address + bytes != memory.low) [[unlikely]]
            return deallocate_slowly(block, bytes, alignment);
        if (memory.low > peak_top_) peak_top_ = memory.low;
        const Head head = *(static_cast<const Head*>(block) - 1);
        memory.low = head.top;
        last_ = head.last;
        --depth_;
        ++deallocations_;
    }

    Mark mark();
    /// Gives back all blocks allocated since. Misuse, then nothing happens: a mark of another stack
    /// (not_owned), or one that is void since blocks from before it were given back (out_of_order;
    /// found if the stack is checked, or has not grown past it again).
    void release(const Mark& mark);
    /// Gives all blocks back.
    void reset();

    /// Blocks in use.
    std::uint64_t depth() const noexcept { return depth_; }
    std::size_t capacity() const noexcept { return memory_->capacity; }

protected:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override
    {
        return StackResource::allocate(bytes, alignment);
    }
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override
    {
        return push(bytes, alignment);
    }
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override
    {
        StackResource::deallocate(block, bytes, alignment);
    }
    bool do_owns(const void* address) const noexcept override;
    std::pmr::memory_resource* do_upstream() const noexcept override
    {
        return memory_->upstream.resource();
    }
    ResourceStatistics do_statistics() const override;

private:
    friend class DoubleEndedStack;
    friend class StackScope;
    enum class End : bool { low, high };

    StackResource(const Options& options, std::shared_ptr<detail::StackMemory> memory, End end);

    // Of the low end; before the memory is there, all is zero and there is no room.
    void* push(std::size_t bytes, std::size_t alignment) noexcept
    {
        const std::size_t strictest = alignment > alignof(Head) ? alignment : alignof(Head);
        detail::StackMemory& memory = *memory_;
        const std::uintptr_t start =
            (memory.low + sizeof(Head) + strictest - 1) & ~(std::uintptr_t{strictest} - 1);
        std::uintptr_t end = 0;
        if (!is_fast_ || !detail::is_alignment(alignment) ||
            __builtin_add_overflow(start, bytes, &end) || end > memory.high) [[unlikely]]
            return allocate_slowly(bytes, alignment);
        ::new (reinterpret_cast<void*>(start - sizeof(Head))) Head{memory.low, last_};
        memory.low = end;
        last_ = start;
        ++depth_;
        return reinterpret_cast<void*>(start);
    }
    void* allocate_slowly(std::size_t bytes, std::size_t alignment) noexcept;
    void deallocate_slowly(void* block, std::size_t bytes, std::size_t alignment);

    std::uintptr_t& top() const noexcept { return end_ == End::low ? memory_->low : memory_->high; }
    std::uintptr_t empty_top() const noexcept
    {
        return end_ == End::low || memory_->begin == 0 ? memory_->begin
                                                       : memory_->begin + memory_->capacity;
    }
    std::size_t used(std::uintptr_t top) const noexcept
    {
        return end_ == End::low ? top - memory_->begin : memory_->begin + memory_->capacity - top;
    }
    std::uintptr_t place(std::size_t bytes, std::size_t alignment) const noexcept;
    void pop_to(std::uintptr_t top, std::uintptr_t last, std::uint64_t depth) noexcept;
    bool is_last(const void* block, std::size_t bytes) const;

    std::shared_ptr<detail::StackMemory> memory_;
    bool is_fast_; // the low end, and nothing watches
    End end_ = End::low;
    std::uintptr_t last_ = 0;
    std::uint64_t depth_ = 0;
    std::uint64_t deallocations_ = 0;
    std::uintptr_t peak_top_ = 0; // of the low end, as far as deallocations saw
    std::size_t gap_;             // behind each block; 0: nothing watches
    std::size_t peak_ = 0;
    std::uint64_t failures_ = 0;
    std::unique_ptr<detail::BlockLedger> ledger_; // if checked
};

/// Two stacks that grow towards each other: what lives longer at one end, what comes and goes at
/// the other. Each may have what the other leaves.
class TARN_API DoubleEndedStack {
public:
    DoubleEndedStack() : DoubleEndedStack(StackOptions{}) {}
    explicit DoubleEndedStack(const StackOptions& options,
                              std::pmr::memory_resource* upstream = nullptr);

    StackResource& low() noexcept { return low_; }
    StackResource& high() noexcept { return high_; }

private:
    DoubleEndedStack(const StackOptions& options,
                     const std::shared_ptr<detail::StackMemory>& memory);

    StackResource low_;
    StackResource high_;
};

/// Gives back what was allocated in its life.
class TARN_API StackScope {
public:
    explicit StackScope(StackResource& stack) : stack_(stack), mark_(stack.mark()) {}
    StackScope(const StackScope&) = delete;
    StackScope& operator=(const StackScope&) = delete;
    ~StackScope();

private:
    StackResource& stack_;
    StackResource::Mark mark_;
};

} // namespace tarn
