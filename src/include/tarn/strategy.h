// SPDX-License-Identifier: MIT
//
// Which resource serves which use: one table for a program, instead of a decision at each place.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iosfwd>
#include <memory_resource>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <tarn/api.h>
#include <tarn/counting_resource.h>
#include <tarn/owned.h>
#include <tarn/recommend.h>
#include <tarn/thread_cached_pool.h>

namespace tarn {

/// A row of the table: serves each use that has what is given here.
struct Strategy {
    const char* name; // for statistics: a literal mostly
    std::optional<Use::Content> content = {};
    std::optional<Use::Lifetime> lifetime = {};
    std::optional<Use::Frees> frees = {};
    std::optional<Use::Threads> threads = {};
    std::size_t smallest = 0;       // only blocks of so many bytes or more
    std::size_t largest = SIZE_MAX; // only blocks that are known to have no more
    /// nullptr: malloc_resource(). It outlives the manager, and can do what the rows say: serve
    /// several threads if a use of several comes here.
    std::pmr::memory_resource* resource = nullptr;

    bool serves(const Use& use) const noexcept;
};

/// How often a row of a StrategyManager was the answer, and what it has served.
struct StrategyStatistics {
    const char* name;
    std::uint64_t uses = 0; // times it was the answer
    ResourceStatistics blocks;
};

/// Finds the resource for a use: the first row that serves it, or malloc. Each row counts what is
/// allocated through it. A block goes back to the resource it came from, as any container and
/// Owned<T> does; owner_of() finds that for a bare address.
///
///     StrategyManager memory({{.name = "names", .lifetime = Use::Lifetime::process,
///                              .resource = &process_arena()},
///                             {.name = "compiler", .lifetime = Use::Lifetime::phase,
///                              .resource = &phases.resource()}});
///     auto name = memory.make<std::pmr::string>({.lifetime = Use::Lifetime::process}, "print");
///
/// Cost: a walk over the rows; where it matters, hold on to the resource. Thread safety: the
/// manager any thread at any time, a resource as far as the one of its row lets them.
class TARN_API StrategyManager {
public:
    explicit StrategyManager(const std::vector<Strategy>& table);
    StrategyManager(const StrategyManager&) = delete;
    StrategyManager& operator=(const StrategyManager&) = delete;
    ~StrategyManager();

    /// A table for any number of threads: what lives as long as the process in its arena, small
    /// blocks in `pool`, large ones in pages of their own; the rest is malloc's.
    static std::vector<Strategy> for_threads(ThreadCachedPool& pool);

    /// Of the manager, and as long as it.
    Resource& resource_for(const Use& use) noexcept { return row_for(use).resource; }
    /// Name of the row.
    const char* name_for(const Use& use) noexcept { return row_for(use).strategy.name; }

    /// An object that remembers where it is from. Errors: what the resource and the constructor
    /// throw.
    template <class T, class... Arguments> Owned<T> make(const Use& use, Arguments&&... arguments)
    {
        return make_owned<T>(resource_for(use), std::forward<Arguments>(arguments)...);
    }

    /// Of the rows whose resource knows its blocks, the one that has this address; nullptr: none.
    Resource* owner_of(const void* address) noexcept;

    /// One for each row, in their order, and one for malloc, "otherwise".
    std::vector<StrategyStatistics> statistics() const;

private:
    struct Row {
        explicit Row(const Strategy& row) : strategy(row), resource(row.resource, row.name) {}

        Strategy strategy;
        CountingResource resource;
        std::atomic<std::uint64_t> uses{0}; // relaxed: a count
    };

    Row& row_for(const Use& use) noexcept;

    std::deque<Row> rows_; // never moved; the last one serves everything
};

/// One line for each.
TARN_API std::ostream& operator<<(std::ostream& out,
                                  const std::vector<StrategyStatistics>& statistics);
/// An array of objects.
TARN_API std::string to_json(const std::vector<StrategyStatistics>& statistics);

} // namespace tarn
