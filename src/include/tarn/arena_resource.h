// SPDX-License-Identifier: MIT
//
// Arenas: blocks one after the other, given back all at once.
//
//     chunk 64 KiB              chunk 128 KiB                 (next chunks, kept by a reset)
//     [head|block|block|tail]-> [head|block|  cursor ->   ]-> [head|                      ]
//
// An allocation moves a cursor; the end of the arena, or a reset, gives everything back. What would
// take more than a quarter of the next chunk has a block of its own from upstream, so that little
// of a chunk is lost at its end.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>

#include <tarn/api.h>
#include <tarn/resource.h>

namespace tarn {

namespace detail {
class BlockLedger;
} // namespace detail

/// How large the chunks of an arena are, in bytes with their heads.
struct Growth {
    std::size_t first;
    unsigned percent; // of the chunk before; 100: all alike; 0: there is only one
    std::size_t most;

    /// One chunk, and when that is full nothing more.
    static constexpr Growth fixed(std::size_t bytes) { return {bytes, 0, bytes}; }
    /// 64 KiB, doubling to 1 MiB: for frames, which fill the same chunks again and again.
    static constexpr Growth frame() { return {std::size_t{64} << 10, 200, std::size_t{1} << 20}; }
    /// 4 KiB, each half as large again, up to 16 MiB: for sizes nobody knows.
    static constexpr Growth general() { return {std::size_t{4} << 10, 150, std::size_t{16} << 20}; }

    friend bool operator==(const Growth&, const Growth&) = default;
};

struct ArenaOptions {
    const char* name = "arena";
    Growth growth = Growth::general();
    /// Most bytes to take from upstream; what would need more is refused.
    std::size_t limit = SIZE_MAX;
    /// Misuse is reported: blocks given back that are none, twice, or with the wrong size; writes
    /// behind them or after a reset. An allocation costs about 100 ns then.
    bool checked = false;

    static constexpr ArenaOptions general() { return {}; }
    static constexpr ArenaOptions frame() { return {.name = "frame", .growth = Growth::frame()}; }
    /// Room for `bytes` less a head of 64 bytes.
    static constexpr ArenaOptions fixed(std::size_t bytes)
    {
        return {.growth = Growth::fixed(bytes), .limit = bytes};
    }
};

/// An arena. Deallocation gives back only the block allocated last; the others wait for a reset, a
/// rewind or the end of the arena, which run the destructors of what make() made.
///
/// Cost: an allocation inlines to some ten instructions; a reset is O(blocks of their own and
/// destructors), and O(chunks) if it gives chunks back. Takes no memory before the first request.
/// Thread safety: one thread at a time. Under AddressSanitizer each block has a redzone behind it,
/// and what is not handed out may not be touched.
class TARN_API ArenaResource final : public Resource {
public:
    using Options = ArenaOptions;

    ArenaResource() : ArenaResource(Options{}) {}
    explicit ArenaResource(const Options& options, std::pmr::memory_resource* upstream = nullptr);
    ~ArenaResource() override;

    /// Gives everything back to the arena and keeps at most `keep` bytes of chunks for what comes
    /// next. Runs destructors, the newest object first. Requires: they do not allocate here.
    void reset(std::size_t keep = SIZE_MAX);
    /// Gives everything back to upstream.
    void release() { reset(0); }

    /// Makes room for `bytes` in blocks in a row. Errors: false.
    bool reserve(std::size_t bytes) noexcept;

    /// Bytes taken from upstream, as statistics().reserved.
    std::size_t capacity() const noexcept { return reserved_; }

    /// Makes the block allocated last larger or smaller where it is. Errors: false, if it is not
    /// the last or there is no room; it is as before then.
    bool try_resize(void* block, std::size_t bytes, std::size_t new_bytes) noexcept;

protected:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override
    {
        void* const block = bump(detail::at_least_one(bytes), alignment);
        if (block == nullptr) [[unlikely]]
            throw_bad_alloc();
        return block;
    }

    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override
    {
        return bump(bytes, alignment);
    }

    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override
    {
        // A block of its own is never in front of the cursor: a head lies between.
        const auto address = reinterpret_cast<std::uintptr_t>(block);
        if (address + detail::at_least_one(bytes) == cursor_ && !is_watched()) {
            if (cursor_ > high_) high_ = cursor_;
            cursor_ = address;
            ++deallocations_;
        } else if (large_ != nullptr || is_watched()) {
            deallocate_slowly(block, detail::at_least_one(bytes), alignment);
        }
    }

    bool do_owns(const void* address) const noexcept override;
    std::pmr::memory_resource* do_upstream() const noexcept override
    {
        return upstream_.resource();
    }
    ResourceStatistics do_statistics() const override;

private:
    struct Chunk;
    struct Large;

    // Where something watches, the fast path finds no room ever: it need not ask.
    void* bump(std::size_t bytes, std::size_t alignment) noexcept
    {
        const std::uintptr_t start = (cursor_ + alignment - 1) & ~(std::uintptr_t{alignment} - 1);
        if (start > end_ || bytes > end_ - start) [[unlikely]]
            return allocate_slowly(bytes, alignment);
        cursor_ = start + bytes;
        ++allocations_;
        return reinterpret_cast<void*>(start);
    }
    bool is_watched() const noexcept { return gap_ != 0; }

    void* allocate_slowly(std::size_t bytes, std::size_t alignment) noexcept;
    void* bump_watched(std::size_t bytes, std::size_t alignment) noexcept;
    void* allocate_large(std::size_t bytes, std::size_t alignment) noexcept;
    void* hand_out(std::uintptr_t start, std::size_t bytes, std::size_t alignment) noexcept;
    void deallocate_slowly(void* block, std::size_t bytes, std::size_t alignment);
    bool enter_chunk_for(std::size_t bytes, std::size_t alignment) noexcept;
    Chunk* new_chunk(std::size_t needed) noexcept;
    std::size_t next_chunk_size() const noexcept;
    void enter(Chunk* chunk, std::uintptr_t cursor) noexcept;
    void note_peak() noexcept;
    void* take(std::size_t bytes, std::size_t alignment) noexcept;
    void give_back(void* memory, std::size_t bytes, std::size_t alignment);
    void drop_large();
    void drop_chunks(std::size_t keep);

    // What an allocation touches: one cache line.
    std::uintptr_t cursor_ = 0;
    std::uintptr_t end_ = 0;  // of the chunk; 0 where something watches
    std::uintptr_t high_ = 0; // highest end of a block in this chunk that was given back since
    std::uint64_t allocations_ = 0;
    std::uint64_t deallocations_ = 0;
    Large* large_ = nullptr; // blocks of their own, newest first

    std::size_t gap_ = 0; // bytes behind each block; 0: nothing watches
    Chunk* first_ = nullptr;
    Chunk* current_ = nullptr; // those behind it are empty
    detail::Upstream upstream_;
    std::unique_ptr<detail::BlockLedger> ledger_; // if checked
    Growth growth_;
    std::size_t limit_;
    std::size_t reserved_ = 0;
    std::size_t peak_reserved_ = 0;
    std::size_t used_before_ = 0;   // in chunks before the current one
    std::size_t wasted_before_ = 0; // at their ends
    std::size_t used_large_ = 0;
    std::size_t peak_ = 0;
    std::uint64_t failures_ = 0;
};

} // namespace tarn
