// SPDX-License-Identifier: MIT

#include "tracer/trace_places.h"

#include <algorithm>

#include "tracer/sites.h"
#include "tracer/stack_folder.h"
#include "tracer/traces.h"

namespace tarn {

namespace {

/// Nanoseconds: what lives no longer was freed soon after. Of a sample no more is known.
constexpr double kShort = 4000;

void merge(Place& into, const Place& from)
{
    if (from.most > into.most) {
        into.trace = from.trace;
        into.most = from.most;
    }
    into.allocations += from.allocations;
    into.bytes += from.bytes;
    into.temporary += from.temporary;
    into.peak_blocks += from.peak_blocks;
    into.peak_bytes += from.peak_bytes;
    into.live_blocks += from.live_blocks;
    into.live_bytes += from.live_bytes;
    into.samples += from.samples;
    into.resizes += from.resizes;
    into.freed_elsewhere += from.freed_elsewhere;
    into.sparse.slabs += from.sparse.slabs;
    into.sparse.blocks += from.sparse.blocks;
    into.sparse.used += from.sparse.used;
    into.kept_empty += from.kept_empty;
}

} // namespace

bool TracePlaces::collect(const MemoryAccount& memory, double nanoseconds)
{
    nanoseconds_ = nanoseconds;
    StackFolder folder;
    for (std::size_t number = 1; number <= site_table.size(); ++number) {
        const Site& site = site_table.site(number);
        const Place place{.key = folder.key_of(site.trace),
                          .trace = site.trace,
                          .most = site.detail().peak_bytes,
                          .allocations = site.allocations.get(),
                          .bytes = site.bytes.get(),
                          .temporary = site.temporary.get(),
                          .peak_blocks = site.detail().peak_blocks,
                          .peak_bytes = site.detail().peak_bytes,
                          .live_blocks = site.live_blocks(),
                          .live_bytes = site.live_bytes(),
                          .samples = site.detail().samples.get(),
                          .resizes = site.detail().resizes.get(),
                          .freed_elsewhere = site.freed_elsewhere.get(),
                          .sparse = memory.sparse_of(number),
                          .kept_empty = memory.sparse_of(number).empty,
                          .advice = {},
                          .spared = 0,
                          .number = number,
                          .tag = site.tag};
        samples_ += place.samples;
        temporaries_ += place.temporary;
        if (!places_.push_back(place)) return false;
    }
    std::ranges::sort(places_.all(), {}, &Place::key);
    if (!merge_all()) return false;
    for (Place& place : places_.all()) {
        place.advice = advise(advice_figures(place));
        place.spared = place.advice.spared;
    }
    return true;
}

/// Sites of one place lie beside each other.
bool TracePlaces::merge_all()
{
    std::size_t last = 0;
    for (std::size_t i = 0; i < places_.size(); ++i) {
        const std::size_t site = places_[i].number;
        if (i != 0 && places_[i].key == places_[last].key) {
            merge(places_[last], places_[i]);
        } else {
            last = figures_.size();
            places_[last] = places_[i];
            places_[last].number = last;
            if (!figures_.push_back({})) return false;
        }
        figures_[last].add(site_table.site(site));
    }
    return places_.resize(figures_.size());
}

AdviceFigures TracePlaces::advice_figures(const Place& place) const
{
    const bool is_sampled = sample_period_of_traces() != 0;
    const SiteFigures& figures = figures_[place.number];
    const std::uint64_t temporary =
        is_sampled ? figures.short_lived(kShort / nanoseconds_) : place.temporary;
    return {.allocations = place.allocations,
            .resizes = place.resizes,
            .copied = figures.copied(),
            .temporary = temporary,
            .freed_elsewhere = place.freed_elsewhere,
            .peak_blocks = place.peak_blocks,
            .live_blocks = place.live_blocks,
            .smallest = figures.smallest(),
            .largest = figures.largest(),
            .error = is_sampled ? figures.error(sample_period_of_traces()) : 0};
}

} // namespace tarn
