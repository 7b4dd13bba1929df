// SPDX-License-Identifier: MIT
//
// Which blocks are guarded, see guard_pool.h.

#pragma once

#include <cstddef>
#include <cstdint>

#include "src/base/guard_choice.h"
#include "src/checks/guard_pool.h"

namespace tarn::guards {

struct GuardSettings {
    GuardChoice choice = {};
    GuardLimits limits = {};
};

namespace detail {
extern constinit GuardSettings chosen;
bool is_wanted(std::size_t size, std::uint32_t& stack);
} // namespace detail

/// Before the first block.
void choose(const GuardSettings& wanted);
/// When the heap knows its memory.
void start();

/// Whether a block of so many bytes is to be guarded. `stack`: of the caller; 0: not found yet, it
/// is if that is needed.
inline bool want(std::size_t size, std::uint32_t& stack)
{
    return detail::chosen.choice && detail::is_wanted(size, stack);
}

/// Whether a block is guarded.
inline bool has(const CheckedPlace& place)
{
    return guard_pool.contains(place.start());
}

} // namespace tarn::guards
