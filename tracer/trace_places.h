// SPDX-License-Identifier: MIT
//
// The places of a trace, for a report: what its sites have done, those of a recursion together.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "tracer/mapped_array.h"
#include "tracer/memory_account.h"
#include "tracer/site_figures.h"
#include "tracer/trace_place.h"

namespace tarn {

class TracePlaces {
public:
    /// `memory`: who keeps slabs mostly empty; nanoseconds: of a tick. Errors: false, no memory.
    bool collect(const MemoryAccount& memory, double nanoseconds);

    std::span<Place> all() { return places_.all(); }
    std::size_t size() const { return places_.size(); }
    const SiteFigures& figures(const Place& place) const { return figures_[place.number]; }
    /// As advice is given on it.
    AdviceFigures advice_figures(const Place& place) const;

    std::uint64_t samples() const { return samples_; }
    std::uint64_t temporaries() const { return temporaries_; } // blocks, see Place::temporary

private:
    bool merge_all();

    MappedArray<Place> places_;
    MappedArray<SiteFigures> figures_;
    double nanoseconds_ = 1;
    std::uint64_t samples_ = 0;
    std::uint64_t temporaries_ = 0;
};

} // namespace tarn
