// SPDX-License-Identifier: MIT

#include "tracer/leak_groups.h"

#include <algorithm>
#include <tuple>

namespace tarn {

namespace {

/// Blocks with equal keys are one group.
auto key_of(const FoundBlock& block)
{
    const std::uint32_t trace = block.trace();
    const std::uint64_t size = trace == kNoTrace ? block.size : 0;
    return std::tuple(static_cast<Reach>(block.reach), trace, size);
}

} // namespace

/// Lists the blocks that are shown or count as lost.
bool LeakGroups::choose(LeakScan& scan, ReachSet show)
{
    constexpr ReachSet kLost =
        1U << static_cast<unsigned>(Reach::lost) | 1U << static_cast<unsigned>(Reach::indirect);
    const std::span<const FoundBlock> blocks = scan.blocks();
    for (std::size_t number = 0; number < blocks.size(); ++number) {
        const FoundBlock& block = blocks[number];
        if (block.trace() == kNoTrace) has_untraced_ = true;
        if (block.is_old()) {
            old_.add(block.size);
            if (is_in(kLost, block.reach)) old_lost_.add(block.size);
        } else if (!is_in(show | kLost, block.reach))
            totals_[static_cast<std::size_t>(block.reach)].add(block.size);
        else if (!chosen_.push_back(static_cast<std::uint32_t>(number)))
            return false;
    }
    std::ranges::sort(chosen_.all(), [&](std::uint32_t a, std::uint32_t b) {
        return std::tuple(key_of(blocks[a]), a) < std::tuple(key_of(blocks[b]), b);
    });
    return true;
}

bool LeakGroups::name_traces(LeakScan& scan, const SuppressionSources& suppressions, TextSink sink)
{
    for (const std::uint32_t number : chosen_.all()) {
        const TraceId trace = scan.blocks()[number].trace();
        if (traces_.empty() || traces_[traces_.size() - 1] != trace)
            if (!traces_.push_back(trace)) return false;
    }
    std::ranges::sort(traces_.all());
    // Not std::ranges::unique(): clang 14 does not take libstdc++'s.
    const std::span all = traces_.all();
    const auto end = std::unique(all.begin(), all.end());
    if (!traces_.resize(static_cast<std::size_t>(end - all.begin()))) return false;
    for (const TraceId trace : traces_.all())
        if (!names_.add(trace)) return false;
    const bool is_traced = !traces_.empty() && traces_[traces_.size() - 1] != kNoTrace;
    has_names_ = is_traced && names_.resolve({.suppressions = suppressions}, sink);
    return true;
}

/// Whether a suppression applies to it, or to the block that it is lost with.
bool LeakGroups::is_suppressed(LeakScan& scan, const FoundBlock& block) const
{
    const auto applies_to = [&](const FoundBlock& one) {
        const auto all = traces_.all();
        const auto found = std::ranges::lower_bound(all, one.trace());
        return found != all.end() && *found == one.trace() &&
               is_in(names_.suppressed(static_cast<std::size_t>(found - all.begin())), one.reach);
    };
    if (applies_to(block)) return true;
    return block.reach == Reach::indirect && applies_to(scan.lost_root(block));
}

bool LeakGroups::add(LeakScan& scan, const FoundBlock& block)
{
    if (groups_.empty() || key_of(*groups_[groups_.size() - 1].first) != key_of(block)) {
        const LeakGroup fresh{.reach = block.reach,
                              .trace = block.trace(),
                              .first = &block,
                              .own = {},
                              .with = {},
                              .least = block.size,
                              .most = block.size};
        if (!groups_.push_back(fresh)) return false;
    }
    LeakGroup& group = groups_[groups_.size() - 1];
    group.own.add(block.size);
    group.least = std::min<std::uint64_t>(group.least, block.size);
    group.most = std::max<std::uint64_t>(group.most, block.size);
    if (block.reach != Reach::lost) return true;
    const LostWith with = scan.lost_with(block);
    group.with.bytes += with.bytes;
    group.with.blocks += with.count;
    return true;
}

bool LeakGroups::build(LeakScan& scan, ReachSet show, const SuppressionSources& suppressions,
                       TextSink sink)
{
    if (!choose(scan, show) || !name_traces(scan, suppressions, sink)) return false;
    for (const std::uint32_t number : chosen_.all()) {
        const FoundBlock& block = scan.blocks()[number];
        if (is_suppressed(scan, block)) {
            suppressed_.add(block.size);
            continue;
        }
        totals_[static_cast<std::size_t>(block.reach)].add(block.size);
        if (is_in(show, block.reach) && !add(scan, block)) return false;
    }
    std::ranges::sort(groups_.all(), [](const LeakGroup& a, const LeakGroup& b) {
        if (a.reach != b.reach) return a.reach < b.reach;
        return a.own.bytes + a.with.bytes > b.own.bytes + b.with.bytes;
    });
    return true;
}

} // namespace tarn
