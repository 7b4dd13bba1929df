// SPDX-License-Identifier: MIT
//
// Holes: pages of a slab on which no block is in use, given back to the system although other
// blocks of the slab are in use.
//
// The blocks that touch a hole are absent: free, but off the free list, because a list that ran
// through them would need the pages. Which blocks these are follows from the pages alone:
//
//      page          0         1         2         3
//      holes         .         x         x         .
//      block     [ 0 | 1 |*2*|*3*|*4*|*5*|*6*| 7 | 8 ]      * absent
//
// Threads: as for Slab, the owner of the slab.

#pragma once

#include <cstddef>

#include "src/heap/slab.h"

namespace tarn {

/// Gives back every page of `slab` on which no block is in use. Returns bytes; the slab's counts
/// follow. Cost: a walk over its free list and, for each run of such pages, a system call.
std::size_t punch_holes(Slab& slab);

/// Brings the absent blocks of the first holes back, one at least, as a list that goes to `list`:
/// the pages come back with the first touch. Returns the number of blocks. Requires: some are
/// absent.
std::size_t fill_hole(Slab& slab, FreeBlock*& list);

/// Whether `block` of `slab` touches a hole.
bool is_absent(const Slab& slab, const FreeBlock* block);

/// Blocks that touch a hole, counted from the pages; what Slab::absent must be.
std::size_t count_absent(const Slab& slab);

} // namespace tarn
