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
#include <cstring>
#include <memory>
#include <memory_resource>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include <tarn/api.h>
#include <tarn/bump_resource.h>

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

/// How an ArenaResource takes memory, and whether it looks at what comes back.
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
    /// Room for `bytes` less a head of 32 bytes.
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
class TARN_API ArenaResource final : public detail::BumpResource<ArenaResource> {
    struct Chunk;
    struct Large;
    struct Finalizer;
    struct Point {
        Chunk* chunk;
        std::uintptr_t cursor;
        std::uint64_t large;   // number of the newest block of its own
        std::uint64_t blocks;  // of the ledger
        Finalizer* finalizers; // the newest
    };

public:
    using Options = ArenaOptions;

    /// A moment to which rewind() goes back. Valid until a rewind to an earlier one, or a reset.
    class Mark {
        friend class ArenaResource;
        friend class ArenaScope;

        const ArenaResource* owner_;
        Point point_;
        std::uint64_t resets_; // before it
        std::uint64_t number_; // in the ledger
    };

    ArenaResource() : ArenaResource(Options{}) {}
    explicit ArenaResource(const Options& options, std::pmr::memory_resource* upstream = nullptr);
    ~ArenaResource() override;

    void deallocate(void* block, std::size_t bytes,
                    std::size_t alignment = alignof(std::max_align_t))
    {
        bytes = detail::at_least_one(bytes);
        const auto address = reinterpret_cast<std::uintptr_t>(block);
        if (address + bytes == cursor_ && !is_watched()) {
            retreat(address);
        } else if (large_ != nullptr || is_watched()) {
            deallocate_slowly(block, bytes, alignment);
        }
    }

    /// Gives everything back to the arena and keeps at most `keep` bytes of chunks for what comes
    /// next. Runs destructors, the newest object first. Requires: they do not allocate here.
    void reset(std::size_t keep = SIZE_MAX);
    /// As reset(), for rounds of the same work: if this one needed several chunks or blocks of
    /// their own, one chunk takes their place that holds them all, unless that is more than `keep`.
    /// Later rounds ask upstream for nothing then, and their blocks lie in a row.
    void reset_and_merge(std::size_t keep = SIZE_MAX);
    /// Gives everything back to upstream.
    void release() { reset(0); }

    /// Costs a few loads.
    Mark mark();
    /// Gives back what was allocated since `mark`, runs its destructors and keeps the chunks. May
    /// be done again. Misuse, then nothing happens: the mark is of another arena, or of before a
    /// reset; if checked, also if it is void by a rewind to an earlier one (out_of_order).
    void rewind(const Mark& mark);

    /// Makes an object whose destructor runs at the reset or rewind that takes it, unless it is
    /// trivial. Types with a std::pmr allocator get this arena. Errors: std::bad_alloc, and what
    /// the constructor throws; everything it allocated here is given back then.
    template <class T, class... Arguments> T* make(Arguments&&... arguments)
    {
        return make_with<T>(1, [&](T* place) {
            const std::pmr::polymorphic_allocator<> allocator(this);
            std::uninitialized_construct_using_allocator(place, allocator,
                                                         std::forward<Arguments>(arguments)...);
        });
    }

    /// As make(), of `count` objects, zeros where they have no constructor.
    template <class T> std::span<T> make_array(std::size_t count)
    {
        if (count > detail::kMaxRequest / sizeof(T)) throw std::bad_array_new_length();
        return {make_with<T>(count,
                             [&](T* place) { std::uninitialized_value_construct_n(place, count); }),
                count};
    }

    /// Allocates a block for each place of `blocks`, in a row, and given back all at once. Errors:
    /// false, and nothing is allocated.
    [[nodiscard]] bool try_allocate_batch(std::size_t bytes, std::size_t alignment,
                                          std::span<void*> blocks) noexcept
    {
        const std::size_t stride = (detail::at_least_one(bytes) + alignment - 1) & ~(alignment - 1);
        if (bytes > detail::kMaxRequest || stride == 0) return false;
        if (blocks.size() > detail::kMaxRequest / stride) return false;
        auto* block = static_cast<std::byte*>(try_allocate(stride * blocks.size(), alignment));
        if (block == nullptr) return false;
        for (void*& place : blocks)
            place = std::exchange(block, block + stride);
        return true;
    }

    /// A copy of the text, with a zero behind it.
    std::string_view dup(std::string_view text)
    {
        auto* const copy = static_cast<char*>(allocate(text.size() + 1, 1));
        if (!text.empty()) std::memcpy(copy, text.data(), text.size());
        copy[text.size()] = '\0';
        return {copy, text.size()};
    }

    /// Makes room for `bytes` in blocks in a row. Errors: false.
    bool reserve(std::size_t bytes) noexcept;

    /// Bytes taken from upstream, as statistics().reserved.
    std::size_t capacity() const noexcept { return reserved_; }

    /// Makes the block allocated last larger or smaller where it is. Errors: false, if it is not
    /// the last or there is no room; it is as before then.
    bool try_resize(void* block, std::size_t bytes, std::size_t new_bytes) noexcept;

protected:
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override
    {
        ArenaResource::deallocate(block, bytes, alignment);
    }
    bool do_owns(const void* address) const noexcept override;
    std::pmr::memory_resource* do_upstream() const noexcept override
    {
        return upstream_.resource();
    }
    ResourceStatistics do_statistics() const override;

private:
    friend class ArenaScope;
    friend class detail::BumpResource<ArenaResource>;

    struct Finalizer {
        Finalizer* older;
        void (*destroy)(void* objects, std::size_t count) noexcept;
        void* objects;
        std::size_t count;
    };

    template <class T, class Construct> T* make_with(std::size_t count, Construct construct)
    {
        if constexpr (std::is_trivially_destructible_v<T>) {
            auto* const place = static_cast<T*>(allocate(count * sizeof(T), alignof(T)));
            construct(place);
            return place;
        } else {
            const Point before = point();
            try {
                auto* const finalizer = ::new (allocate(sizeof(Finalizer), alignof(Finalizer)))
                    Finalizer{nullptr, &destroy<T>, nullptr, count};
                auto* const place = static_cast<T*>(allocate(count * sizeof(T), alignof(T)));
                construct(place);
                finalizer->objects = place;
                // Now: the constructor may have made objects, which end after this one.
                finalizer->older = std::exchange(finalizers_, finalizer);
                return place;
            } catch (...) {
                rewind_to(before);
                throw;
            }
        }
    }
    template <class T> static void destroy(void* objects, std::size_t count) noexcept
    {
        auto* const first = static_cast<T*>(objects);
        while (count > 0)
            std::destroy_at(first + --count);
    }

    Point point() const noexcept;
    void rewind_to(const Point& point);
    void run_finalizers(const Finalizer* until) noexcept;

    bool is_watched() const noexcept { return gap_ != 0; }

    void* allocate_slowly(std::size_t bytes, std::size_t alignment);
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

    Large* large_ = nullptr; // blocks of their own, newest first
    Finalizer* finalizers_ = nullptr;

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
    std::uint64_t large_count_ = 0; // ever made
    // Since the last reset:
    std::uint64_t large_count_before_ = 0;
    std::size_t most_reserved_ = 0;
    std::uint64_t resets_ = 0;
};

/// Gives back what was allocated in its life. Scopes end in reverse order.
class TARN_API ArenaScope {
public:
    explicit ArenaScope(ArenaResource& arena) : arena_(arena), mark_(arena.mark()) {}
    ArenaScope(const ArenaScope&) = delete;
    ArenaScope& operator=(const ArenaScope&) = delete;
    ~ArenaScope();

    ArenaResource& arena() const noexcept { return arena_; }

private:
    ArenaResource& arena_;
    ArenaResource::Mark mark_;
};

} // namespace tarn
