// SPDX-License-Identifier: MIT
#include <algorithm>

#include <tarn/misuse.h>
#include <tarn/phase_arena.h>

namespace tarn {

PhaseArena::PhaseArena(const Options& options, std::pmr::memory_resource* upstream)
    : arena_(options.arena, upstream), keep_(options.keep)
{}

PhaseStatistics& PhaseArena::phase_of(const char* name)
{
    const auto found =
        std::find_if(phases_.begin(), phases_.end(), [&](const PhaseStatistics& phase) {
            return std::string_view(phase.name) == name;
        });
    return found != phases_.end() ? *found : phases_.emplace_back(PhaseStatistics{name});
}

// The entry is made here: a destructor must not run out of memory.
PhaseArena::Phase::Phase(PhaseArena& arena, const char* name)
    : arena_(arena), name_(arena.phase_of(name).name), outer_(arena.innermost_),
      mark_(arena.arena_.mark()), before_(arena.arena_.statistics())
{
    arena.innermost_ = this;
}

PhaseArena::Phase::~Phase()
{
    if (arena_.innermost_ != this) {
        report_misuse({Misuse::out_of_order, arena_.arena_.name(), this});
        return;
    }
    const ResourceStatistics now = arena_.arena_.statistics();
    PhaseStatistics& phase = arena_.phase_of(name_);
    const std::size_t bytes = now.in_use - std::min(now.in_use, before_.in_use);
    ++phase.count;
    phase.allocations += now.allocations - before_.allocations;
    phase.bytes += bytes;
    phase.most_bytes = std::max(phase.most_bytes, bytes);
    arena_.innermost_ = outer_;
    if (before_.in_use == 0)
        arena_.arena_.reset(arena_.keep_);
    else
        arena_.arena_.rewind(mark_);
}

} // namespace tarn
