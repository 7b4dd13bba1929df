// SPDX-License-Identifier: MIT
//
// What every way through the checked heap does with a block.

#pragma once

#include <bit>

#include "src/checks/block_record.h"
#include "src/checks/fault.h"
#include "src/checks/late_frees.h"
#include "src/os/mutex.h"

namespace tarn {

/// Those that come back on no slow path.
extern constinit LateFrees late_frees;

/// free() on no slow path. Whoever frees it twice is found out later, or not at all: nothing can be
/// reported here.
void deallocate_outside(void* block);

/// Takes down what the program has asked for. `stack`: 0: not known.
inline void note_allocated(BlockRecord& record, const BlockRequest& request, std::uint32_t stack)
{
    record.size = request.size;
    record.allocated_at = stack;
    record.freed_at = 0;
    record.allocated_by = own_thread_number();
    record.kind = !cpp_form.is_new    ? BlockKind::malloc
                  : cpp_form.is_array ? BlockKind::array
                                      : BlockKind::single;
    record.alignment_shift = static_cast<std::uint8_t>(std::countr_zero(request.alignment));
}

/// It is the program's from now on.
inline void set_live(const CheckedPlace& place)
{
    place.record->state.store(BlockState::live, std::memory_order_release);
}

namespace detail {

void tell_bad_pointer(CheckedPlace place, const void* block, bool is_resize);

inline bool claim_live(std::atomic<BlockState>& state)
{
    BlockState before = BlockState::live;
    if (!os::is_single_threaded())
        return state.compare_exchange_strong(before, BlockState::quarantined);
    if (state.load(std::memory_order_relaxed) != before) return false;
    state.store(BlockState::quarantined, std::memory_order_relaxed);
    return true;
}

} // namespace detail

/// Makes the block the caller's to free. False: it is not in use, which is reported.
[[gnu::always_inline]] inline bool claim(const CheckedPlace& place, const void* block,
                                         bool is_resize)
{
    if (place && detail::claim_live(place.record->state)) return true;
    detail::tell_bad_pointer(place, block, is_resize);
    return false;
}

} // namespace tarn
