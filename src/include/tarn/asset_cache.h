// SPDX-License-Identifier: MIT
//
// What is loaded when it is wanted, and kept as long as there is room.

#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <map>
#include <memory_resource>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <tarn/api.h>
#include <tarn/resource.h>

namespace tarn {

/// How much an AssetCache may hold, and who hears of what has to go.
struct AssetCacheOptions {
    const char* name = "asset cache";
    std::size_t budget = std::size_t{256} << 20;       // bytes of all assets, never exceeded
    std::size_t alignment = alignof(std::max_align_t); // of each
    /// Called for each asset that goes, before its memory does: outside of any lock, by the thread
    /// that wants the room. It must not throw. Another thread may load the same one again
    /// meanwhile.
    std::function<void(std::string_view name, std::span<const std::byte> bytes)> on_evict = {};

    /// For a tool or a level of a small game, on machines that have other things to do.
    static AssetCacheOptions small() { return {.budget = std::size_t{32} << 20}; }
    /// For what is copied to a device from pages of its own: textures, vertices.
    static AssetCacheOptions for_device()
    {
        return {.budget = std::size_t{1} << 30, .alignment = 4096};
    }
};

/// Since the cache was made; sizes in bytes.
struct AssetStatistics {
    std::uint64_t hits = 0;  // requests that found their asset, waits for another's load included
    std::uint64_t loads = 0; // that succeeded
    std::uint64_t failures = 0;  // loads that did not
    std::uint64_t refusals = 0;  // requests for which no room could be made
    std::uint64_t evictions = 0; // assets that went
    std::size_t assets = 0;      // there now, those being loaded included
    std::size_t in_use = 0;
    std::size_t peak_in_use = 0;
};

/// As those of ResourceStatistics.
TARN_API std::ostream& operator<<(std::ostream& out, const AssetStatistics& statistics);
TARN_API std::string to_json(const AssetStatistics& statistics);

/// Blocks with names, loaded by who wants them first. When the budget is used up, assets go that
/// nobody holds: the least important first, of equals the one that was held longest ago. None goes
/// for a request that is less important; and none goes in vain, if there would still be no room.
///
///     AssetCache cache({.budget = 64 << 20});
///     if (auto mesh = cache.acquire("tree.mesh", size, kVisible, read_file)) draw(mesh.bytes());
///
/// Cost: a lock, and a lookup in a tree of names. Thread safety: any thread at any time; the end
/// needs that no asset is held, which is misuse (leak).
class TARN_API AssetCache {
    struct Entry;

public:
    using Options = AssetCacheOptions;
    /// Fills the bytes; false if it cannot. It may use the cache, but not wait for its own asset.
    using Load = std::function<bool(std::span<std::byte> bytes)>;

    /// Holds an asset: it stays until all of its pins are gone.
    class TARN_API Pin {
    public:
        Pin() = default;
        Pin(Pin&& other) noexcept { swap(other); }
        Pin& operator=(Pin&& other) noexcept
        {
            Pin(std::move(other)).swap(*this);
            return *this;
        }
        ~Pin();

        std::span<const std::byte> bytes() const noexcept;
        explicit operator bool() const noexcept { return entry_ != nullptr; }
        void swap(Pin& other) noexcept
        {
            std::swap(cache_, other.cache_);
            std::swap(entry_, other.entry_);
        }

    private:
        friend class AssetCache;
        Pin(AssetCache& cache, Entry& entry) noexcept : cache_(&cache), entry_(&entry) {}

        AssetCache* cache_ = nullptr;
        Entry* entry_ = nullptr;
    };

    AssetCache() : AssetCache(Options{}) {}
    /// `upstream` must serve several threads if there are several. Errors: std::invalid_argument,
    /// if the alignment is no power of two.
    explicit AssetCache(Options options, std::pmr::memory_resource* upstream = nullptr);
    AssetCache(const AssetCache&) = delete;
    AssetCache& operator=(const AssetCache&) = delete;
    ~AssetCache();

    /// The asset of that name. If there is none, room for `bytes` is made and `load` called,
    /// outside of any lock; who else wants the asset waits for that, and loads it if that failed.
    /// What is there keeps its size, and has the priority of the last request.
    ///
    /// Errors: an empty pin, if no room can be made or `load` fails; what `load` throws. Nothing of
    /// the asset stays then. Misuse: `load` asks for its own asset (out_of_order).
    [[nodiscard]] Pin acquire(std::string_view name, std::size_t bytes, int priority,
                              const Load& load);
    /// The asset, if it is there and loaded. Errors: an empty pin.
    [[nodiscard]] Pin find(std::string_view name);

    /// Evicts until no more than `bytes` are in use, as far as nobody holds them.
    void trim(std::size_t bytes = 0);

    AssetStatistics statistics() const;

private:
    struct Rank { // in which order they go
        int priority;
        std::uint64_t last_use;
        Entry* entry;

        bool operator<(const Rank& other) const
        {
            return std::pair(priority, last_use) < std::pair(other.priority, other.last_use);
        }
    };
    using Ranks = std::set<Rank>;
    struct Entry {
        std::string_view name; // its key
        std::size_t bytes = 0;
        void* block = nullptr;
        std::size_t pins = 0;
        bool is_loaded = false;
        std::thread::id loader;
        Ranks::node_type rank;   // while it is held,
        Ranks::iterator rank_at; // and while it is not

        /// Of the budget: nothing counts as one byte, too.
        std::size_t cost() const noexcept { return detail::at_least_one(bytes); }
    };
    using Entries = std::map<std::string, Entry, std::less<>>;

    // With the lock held:
    Entry* wait_for(std::string_view name, std::unique_lock<std::mutex>& lock);
    Pin hold(Entry& entry);
    Entry* add(std::string_view name, std::size_t bytes, int priority, Entries& evicted);
    std::size_t count_to_evict(std::size_t bytes, int priority) const;
    std::size_t take_out(std::size_t count, Entries& evicted);

    // Without it:
    void give_back(Entries& evicted, std::size_t kept) noexcept;
    void deallocate(Entry& entry) noexcept;
    Pin load_into(Entry& entry, const Load& load);
    void forget(Entry& entry) noexcept;
    void release(Entry& entry) noexcept;
    std::span<std::byte> bytes_of(const Entry& entry) const noexcept
    {
        return {static_cast<std::byte*>(entry.block), entry.bytes};
    }

    Options options_;
    detail::Upstream upstream_;
    mutable std::mutex mutex_;        // of all below
    std::condition_variable changed_; // a load has ended
    Entries entries_;
    Ranks ranks_; // of those that nobody holds
    std::uint64_t uses_ = 0;
    AssetStatistics statistics_;
};

} // namespace tarn
