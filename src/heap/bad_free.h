// SPDX-License-Identifier: MIT
//
// Frees that cannot be right, as far as slow paths come across them with every mode off: the fast
// path of free asks nothing of a block but whose it is.

#pragma once

#include "src/heap/address_range.h"
#include "src/heap/thread_cache.h"

namespace tarn {

enum class BadFree : bool { double_free, no_block };

/// Whether a block of `descriptor`'s class begins at `address`, in the granule it belongs to.
bool begins_block(const void* address, Descriptor descriptor);

/// Whether a block of the calling thread's own heap is free, as far as a look at its slab tells:
/// the last one that came back, or none that was handed out since the slab was empty. On a slow
/// path.
bool is_seen_free(const void* address);

/// Counts it, and tells `settings.bad_free`, which need not return.
void tell_bad_free(const void* address, BadFree what);

/// As unknown_frees() says.
void count_unknown_free();

} // namespace tarn
