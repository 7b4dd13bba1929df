// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <ostream>

#include <tarn/misuse.h>
#include <tarn/phase_arena.h>

#include "src/resources/fields.h"

namespace tarn {

namespace {

std::array<detail::Field, 5> fields_of(const PhaseStatistics& phase)
{
    return {{{"count", phase.count},
             {"allocations", phase.allocations},
             {"bytes", phase.bytes},
             {"most_bytes", phase.most_bytes},
             {"duration_ns", static_cast<std::uint64_t>(phase.duration.count())}}};
}

} // namespace

namespace detail {

std::size_t phase_of(std::vector<PhaseStatistics>& phases, const char* name)
{
    const auto found =
        std::find_if(phases.begin(), phases.end(), [&](const PhaseStatistics& phase) {
            return std::string_view(phase.name) == name;
        });
    const auto index = static_cast<std::size_t>(found - phases.begin());
    if (found == phases.end()) phases.push_back(PhaseStatistics{name});
    return index;
}

void add_phase(PhaseStatistics& phase, const ResourceStatistics& before,
               const ResourceStatistics& after, std::chrono::nanoseconds duration)
{
    const std::size_t bytes = after.in_use - std::min(after.in_use, before.in_use);
    ++phase.count;
    phase.allocations += after.allocations - before.allocations;
    phase.bytes += bytes;
    phase.most_bytes = std::max(phase.most_bytes, bytes);
    phase.duration += duration;
}

} // namespace detail

PhaseArena::PhaseArena(const Options& options, std::pmr::memory_resource* upstream)
    : arena_(options.arena, upstream), keep_(options.keep)
{}

// The entry is made here: a destructor must not run out of memory.
PhaseArena::Phase::Phase(PhaseArena& arena, const char* name)
    : arena_(arena), index_(detail::phase_of(arena.phases_, name)), outer_(arena.innermost_),
      mark_(arena.arena_.mark()), before_(arena.arena_.statistics()),
      begin_(std::chrono::steady_clock::now())
{
    arena.innermost_ = this;
}

PhaseArena::Phase::~Phase()
{
    if (arena_.innermost_ != this) {
        report_misuse({Misuse::out_of_order, arena_.arena_.name(), this});
        return;
    }
    detail::add_phase(arena_.phases_[index_], before_, arena_.arena_.statistics(),
                      std::chrono::steady_clock::now() - begin_);
    arena_.innermost_ = outer_;
    if (before_.in_use == 0)
        arena_.arena_.reset_and_merge(arena_.keep_);
    else
        arena_.arena_.rewind(mark_);
}

std::ostream& operator<<(std::ostream& out, const PhaseStatistics& phase)
{
    out << phase.name << ": ";
    detail::write(out, fields_of(phase));
    return out;
}

std::string to_json(const PhaseStatistics& phase)
{
    return R"({"name":)" + detail::json_text(phase.name) + "," +
           detail::json_members(fields_of(phase)) + "}";
}

} // namespace tarn
