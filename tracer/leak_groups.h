// SPDX-License-Identifier: MIT
//
// What a leak scan found, added up: by class and by the calls that allocated it.

#pragma once

#include <array>
#include <cstdint>

#include "tracer/call_names.h"
#include "tracer/leak_scan.h"

namespace tarn {

/// Classes, as bits of 1 << Reach.
using ReachSet = std::uint32_t;

constexpr bool is_in(ReachSet set, Reach reach)
{
    return (set >> static_cast<unsigned>(reach) & 1U) != 0;
}

struct LeakTotal {
    std::uint64_t bytes = 0;
    std::uint64_t blocks = 0;

    void add(std::uint64_t more)
    {
        bytes += more;
        ++blocks;
    }
};

/// Blocks of one class that the same calls allocated; where those are not known, of one size.
struct LeakGroup {
    Reach reach;
    TraceId trace;
    const FoundBlock* first;
    LeakTotal own;
    LeakTotal with;          // lost together with them
    std::uint64_t least = 0; // size of the smallest one
    std::uint64_t most = 0;  // of the largest one
};

class LeakGroups {
public:
    /// `show`: classes that will be listed. Asks the helper for names. What it complains about goes
    /// to `sink`. Errors: false, no memory.
    bool build(LeakScan& scan, ReachSet show, const SuppressionSources& suppressions,
               TextSink sink);

    /// Biggest first within each class.
    std::span<LeakGroup> all() { return groups_.all(); }
    const LeakTotal& total(Reach reach) const { return totals_[static_cast<std::size_t>(reach)]; }
    /// Not in the totals, and in no group.
    const LeakTotal& suppressed() const { return suppressed_; }
    /// Likewise: those that are old, and of them those that are lost.
    const LeakTotal& old() const { return old_; }
    const LeakTotal& old_lost() const { return old_lost_; }
    const CallNames& names() const { return names_; }
    bool has_names() const { return has_names_; }
    bool has_untraced() const { return has_untraced_; }

private:
    bool choose(LeakScan& scan, ReachSet show);
    bool name_traces(LeakScan& scan, const SuppressionSources& suppressions, TextSink sink);
    bool is_suppressed(LeakScan& scan, const FoundBlock& block) const;
    bool add(LeakScan& scan, const FoundBlock& block);

    MappedArray<std::uint32_t> chosen_; // numbers of blocks, in the order of groups
    MappedArray<TraceId> traces_;       // theirs, sorted
    MappedArray<LeakGroup> groups_;
    CallNames names_;
    bool has_names_ = false;
    bool has_untraced_ = false;
    std::array<LeakTotal, kReachCount> totals_{};
    LeakTotal suppressed_;
    LeakTotal old_;
    LeakTotal old_lost_;
};

} // namespace tarn
