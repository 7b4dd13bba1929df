// SPDX-License-Identifier: MIT
//
// Where the memory of the process is: each byte that the kernel counts as resident, once.
//
// Of the pools and large blocks every page is looked at, and every block in use; what else is
// mapped is counted mapping by mapping, as the kernel does it. The other threads are kept out of
// malloc for that, and stopped where malloc does not notice that they are to stay out.

#pragma once

#include <cstddef>
#include <cstdint>

#include "src/base/heap_view.h"
#include "tracer/mapped_array.h"
#include "tracer/slab_account.h"

namespace tarn {

/// Memory that is known to be for something.
struct MemoryRegion {
    enum class Kind : std::uint8_t { pools, block, large, kept, records, tables, thread };

    MemoryRange range;
    Kind kind;
    std::uint64_t size; // of a block: what was asked for
};

class MemoryAccount {
public:
    /// `is_sampled`: threads have fast paths, and sizes and places are known of few blocks.
    /// Requires: it has not been called before. Errors: why there are no figures.
    const char* measure(const HeapView& heap, bool is_sampled);

    /// As measured; all zero if it was not.
    const MemoryShares& shares() const { return shares_; }
    const SparseSlabs& sparse() const { return sparse_; }
    /// What the blocks of a site keep, by its number in the site_table.
    SparseSlabs sparse_of(std::size_t site) const
    {
        return site < places_.size() ? places_[site] : SparseSlabs{};
    }

private:
    const char* measure_held(const HeapView& heap, bool is_sampled);

    MemoryShares shares_{};
    SparseSlabs sparse_{};
    MappedArray<SparseSlabs> places_;
    MappedArray<MemoryRegion> regions_;
};

} // namespace tarn
