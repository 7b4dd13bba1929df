// SPDX-License-Identifier: MIT
//
// Chunks that wait for the next arena.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <mutex>

#include <tarn/api.h>
#include <tarn/resource.h>

namespace tarn {

/// Which chunks a ChunkCache keeps, and how many bytes of them.
struct ChunkCacheOptions {
    const char* name = "chunk cache";
    /// Most bytes to keep; the chunk kept longest goes first.
    std::size_t limit = std::size_t{16} << 20;
    /// Blocks of fewer bytes, or of more, are not kept.
    std::size_t smallest = std::size_t{4} << 10;
    std::size_t largest = std::size_t{1} << 20;

    /// Below frames and requests: the chunks of ArenaOptions::frame().
    static constexpr ChunkCacheOptions for_frames()
    {
        return {.limit = std::size_t{32} << 20,
                .smallest = std::size_t{64} << 10,
                .largest = std::size_t{1} << 20};
    }
    /// Below a few large arenas.
    static constexpr ChunkCacheOptions large()
    {
        return {.limit = std::size_t{256} << 20,
                .smallest = std::size_t{1} << 20,
                .largest = std::size_t{64} << 20};
    }
};

/// The upstream that arenas share: keeps what they give back for the next that asks for a chunk of
/// the same size, up to a limit.
///
///     ChunkCache cache;
///     ArenaResource request(ArenaOptions::frame(), &cache);
///
/// Thread safety: any thread at any time, as far as upstream lets them. Cost: a lock and a walk
/// over the chunks kept, of which there are at most 64.
class TARN_API ChunkCache final : public Resource {
public:
    using Options = ChunkCacheOptions;

    ChunkCache() : ChunkCache(Options{}) {}
    explicit ChunkCache(const Options& options, std::pmr::memory_resource* upstream = nullptr);
    ~ChunkCache() override;

    /// Bytes kept now.
    std::size_t kept() const noexcept;
    /// Requests answered from what was kept.
    std::uint64_t hits() const noexcept;
    /// Gives all that is kept back to upstream.
    void trim();

protected:
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override;
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;
    bool do_owns(const void* address) const noexcept override;
    std::pmr::memory_resource* do_upstream() const noexcept override
    {
        return upstream_.resource();
    }
    ResourceStatistics do_statistics() const override;

private:
    struct Kept; // lies in the chunk itself

    Kept* take(std::size_t bytes, std::size_t alignment) noexcept;
    void keep_within(std::size_t bytes, std::size_t blocks);
    void give_back(Kept* list);

    Options options_;
    detail::Upstream upstream_;
    mutable std::mutex mutex_; // guards all below; never held while upstream is called
    Kept* newest_ = nullptr;
    Kept* surplus_ = nullptr; // to be given back
    std::size_t kept_ = 0;
    std::size_t count_ = 0;
    std::uint64_t hits_ = 0;
    ResourceStatistics statistics_;
};

} // namespace tarn
