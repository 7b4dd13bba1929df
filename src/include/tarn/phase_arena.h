// SPDX-License-Identifier: MIT
//
// An arena for work that has phases: what a phase allocates ends with it.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tarn/arena_resource.h>

namespace tarn {

/// The arena of a PhaseArena, and what it keeps from phase to phase.
struct PhaseArenaOptions {
    ArenaOptions arena = {.name = "phases", .growth = Growth::frame()};
    /// Most bytes of chunks to keep from one phase to the next, when the arena is empty between
    /// them.
    std::size_t keep = std::size_t{4} << 20;
};

/// What the phases of one name did.
struct PhaseStatistics {
    const char* name;
    std::uint64_t count = 0; // of phases that ended
    std::uint64_t allocations = 0;
    std::size_t bytes = 0;                // in use at their ends, together
    std::size_t most_bytes = 0;           // in use at the end of one
    std::chrono::nanoseconds duration{0}; // together
};

/// "parse: count 3, allocations 100, ...", and an object.
TARN_API std::ostream& operator<<(std::ostream& out, const PhaseStatistics& phase);
TARN_API std::string to_json(const PhaseStatistics& phase);

namespace detail {

/// The entry of that name, made if there is none. Errors: std::bad_alloc.
TARN_API std::size_t phase_of(std::vector<PhaseStatistics>& phases, const char* name);

/// Adds what a phase did between two moments.
TARN_API void add_phase(PhaseStatistics& phase, const ResourceStatistics& before,
                        const ResourceStatistics& after, std::chrono::nanoseconds duration);

} // namespace detail

/// Thread safety: one thread at a time. A compiler has one for each thread that compiles.
///
///     PhaseArena arena;
///     for (const Unit& unit : units) {
///         PhaseArena::Phase phase(arena, "parse");
///         parse(unit, &arena.resource());
///     }   // everything of the phase is gone; its chunks are kept
class TARN_API PhaseArena {
public:
    using Options = PhaseArenaOptions;

    /// A phase; it may lie in another one, and ends first then. Misuse, reported at its end: it
    /// does not (out_of_order).
    class TARN_API Phase {
    public:
        /// `name` must live as long as the arena: a literal mostly.
        Phase(PhaseArena& arena, const char* name);
        Phase(const Phase&) = delete;
        Phase& operator=(const Phase&) = delete;
        ~Phase();

    private:
        PhaseArena& arena_;
        std::size_t index_; // of its entry
        Phase* outer_;
        ArenaResource::Mark mark_;
        ResourceStatistics before_;
        std::chrono::steady_clock::time_point begin_;
    };

    PhaseArena() : PhaseArena(Options{}) {}
    explicit PhaseArena(const Options& options, std::pmr::memory_resource* upstream = nullptr);

    /// What containers of a phase take. What is allocated outside of all phases stays.
    ArenaResource& resource() noexcept { return arena_; }

    /// One entry for each name, in the order of their first end.
    std::span<const PhaseStatistics> phases() const noexcept { return phases_; }

private:
    ArenaResource arena_;
    std::size_t keep_;
    Phase* innermost_ = nullptr;
    std::vector<PhaseStatistics> phases_;
};

} // namespace tarn
