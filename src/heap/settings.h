// SPDX-License-Identifier: MIT
//
// What the options decide for the heap. Set once, before the first allocation is served.

#pragma once

#include <atomic>
#include <cstddef>

#include "src/base/block_checks.h"
#include "src/base/observer.h"
#include "src/base/options.h"

namespace tarn {

enum class BadFree : bool;

struct Settings {
    bool pools = true;
    bool huge_pages = false;
    HugePageMode thp = HugePageMode::automatic;
    std::size_t purge_delay = 1000; // milliseconds
    /// Called for each thread that ends, on its stack.
    void (*thread_leaves)(const void* address_on_its_stack) = nullptr;
    /// Hears of every block, see observed.h; nullptr: nobody does.
    const Observer* observer = nullptr;
    /// Stands between the program and the heap, see base/block_checks.h; nullptr: nothing does.
    const BlockChecks* checks = nullptr;
    /// Gives the program the blocks of a sample, one in `sample_period`, and takes them back; all
    /// others are the heap's. Without observer and checks; nullptr: there is no such sample.
    const BlockChecks* guards = nullptr;
    /// Hears of a free that cannot be right, and need not return; nullptr: it has no effect.
    void (*bad_free)(const void* address, BadFree what) = nullptr;
    /// Slabs lie at random places, and behind each is memory that nobody can access.
    bool scatters_slabs = false;
    /// The observer is to hear of one block in so many bytes, on average, see sampled.h; 0: of all.
    std::size_t sample_period = 0;
};

inline constinit Settings settings;

/// Whether a request of so many bytes is to fail though there is memory; asked on no slow path, and
/// only where all requests come to one: with an observer of all, or checks. nullptr: none.
using Refuses = bool(std::size_t size);
inline constinit std::atomic<Refuses*> refusal_hook{nullptr};

inline bool may_be_refused()
{
    return refusal_hook.load(std::memory_order_relaxed) != nullptr;
}

inline bool is_refused(std::size_t size)
{
    Refuses* const refuses = refusal_hook.load(std::memory_order_relaxed);
    return refuses != nullptr && refuses(size);
}

} // namespace tarn
