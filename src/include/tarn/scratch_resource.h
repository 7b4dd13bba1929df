// SPDX-License-Identifier: MIT
//
// Memory for the work of a moment, again and again.

#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <tarn/api.h>
#include <tarn/arena_resource.h>

namespace tarn {

/// The chunks of a ScratchResource, and what it keeps at a reset.
struct ScratchOptions {
    const char* name = "scratch";
    /// Bytes of a chunk; what takes more has a block of its own until the next reset.
    std::size_t chunk = std::size_t{4} << 10;
    /// Most bytes to keep at a reset.
    std::size_t keep = std::size_t{1} << 20;
    /// As of ArenaOptions.
    bool checked = false;

    static constexpr ScratchOptions frame() { return {.chunk = std::size_t{16} << 10}; }
    static constexpr ScratchOptions large()
    {
        return {.chunk = std::size_t{1} << 20, .keep = std::size_t{16} << 20};
    }
};

/// An arena for rounds of the same work. The first rounds find out how much it is: a reset after
/// one that needed more than a chunk replaces all chunks by one that holds it, so that later
/// rounds ask upstream for nothing and their blocks lie in a row.
///
/// Cost: as of ArenaResource. Thread safety: one thread at a time.
class TARN_API ScratchResource final : public Resource {
public:
    using Options = ScratchOptions;

    ScratchResource() : ScratchResource(Options{}) {}
    explicit ScratchResource(const Options& options, std::pmr::memory_resource* upstream = nullptr);

    [[nodiscard]] void* allocate(std::size_t bytes,
                                 std::size_t alignment = alignof(std::max_align_t))
    {
        return arena_.allocate(bytes, alignment);
    }
    [[nodiscard]] void* try_allocate(std::size_t bytes,
                                     std::size_t alignment = alignof(std::max_align_t)) noexcept
    {
        return arena_.try_allocate(bytes, alignment);
    }
    void deallocate(void* block, std::size_t bytes,
                    std::size_t alignment = alignof(std::max_align_t))
    {
        arena_.deallocate(block, bytes, alignment);
    }

    /// Ends a round: all blocks are given back. Errors: none; if there is no memory for one large
    /// chunk, the next round takes several again.
    void reset();
    /// As reset(), and gives everything back to upstream.
    void release();

    /// The arena below, for make(), dup() and scopes: with ArenaScope scratch serves those who do
    /// not know of each other.
    ArenaResource& arena() noexcept { return arena_; }

    std::uint64_t resets() const noexcept { return resets_; }

protected:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override
    {
        return arena_.allocate(bytes, alignment);
    }
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override
    {
        return arena_.try_allocate(bytes, alignment);
    }
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override
    {
        arena_.deallocate(block, bytes, alignment);
    }
    bool do_owns(const void* address) const noexcept override { return arena_.owns(address); }
    std::pmr::memory_resource* do_upstream() const noexcept override { return arena_.upstream(); }
    ResourceStatistics do_statistics() const override { return arena_.statistics(); }

private:
    ArenaResource arena_;
    std::size_t keep_;
    std::uint64_t resets_ = 0;
};

/// Scratch memory by name, for parts of a program that do not know of each other. Thread safety:
/// get() any thread at any time; a scratch itself has one user at a time.
class TARN_API ScratchRegistry {
public:
    /// The scratch of that name, made with `options` at the first time. It lives as long as the
    /// registry. Errors: std::bad_alloc.
    ScratchResource& get(std::string_view name, ScratchOptions options = {});

    /// nullptr: there is none of that name.
    ScratchResource* find(std::string_view name) const noexcept;

    /// Resets all of them. Requires: nobody uses one.
    void reset_all();

    struct Entry {
        std::string name;
        ResourceStatistics statistics;
        std::uint64_t resets;
    };
    /// In the order they were made. Requires: nobody uses one.
    std::vector<Entry> statistics() const;

private:
    struct Named;

    mutable std::mutex mutex_;
    std::vector<std::unique_ptr<Named>> scratches_; // under the lock

public:
    ScratchRegistry();
    ~ScratchRegistry();
};

/// "parse: resets 3, allocations 100, ...", and an object.
TARN_API std::ostream& operator<<(std::ostream& out, const ScratchRegistry::Entry& entry);
TARN_API std::string to_json(const ScratchRegistry::Entry& entry);

/// The registry of the process. Never destroyed.
TARN_API ScratchRegistry& scratch_registry();

/// The scratch of the calling thread: 16 KiB to begin with. Ends with the thread.
TARN_API ScratchResource& thread_scratch();

} // namespace tarn
