// SPDX-License-Identifier: MIT
//
// The part of a heap that fills and empties its thread's bins: how much they may hold, what
// happens when one is full, and when a class had better hold nothing.

#include <algorithm>
#include <atomic>
#include <limits>

#include "src/heap/budget.h"
#include "src/heap/heap.h"
#include "src/heap/heap_registry.h"
#include "src/heap/pressure.h"

namespace tarn {

namespace {

/// Most bytes that the bins of one thread may hold together: a quarter of all memory in slabs, or
/// what is kept for a random number of live blocks to vary without a slow path would outweigh the
/// blocks; and bounded, so that neither one thread nor thousands hold much. Few threads may hold a
/// run of the largest class and some thousand small blocks each, however small the heap.
constexpr std::size_t kLeastCacheRoom = KiB(512);
constexpr std::size_t kLeastCacheRoomOfFew = KiB(1280);
constexpr std::size_t kLeastCacheRoomOfAll = MiB(4);
constexpr std::size_t kCacheRoomOfAll = MiB(16);

std::size_t cache_room()
{
    const std::size_t heaps = heap_registry.count();
    const std::size_t wanted = std::min(budget.used() / 4, kCacheRoomOfAll);
    const std::size_t least =
        std::clamp(kLeastCacheRoomOfAll / heaps, kLeastCacheRoom, kLeastCacheRoomOfFew);
    return std::max(wanted / heaps, least);
}

/// A class drains when more than a sixth of its blocks lie free in slabs, until less than a
/// twelfth do: its bin takes none back, or random frees and mallocs would meet there and leave
/// every slab as it is; frees go to their slabs and refills come from the fullest ones, so that the
/// others become empty. What it costs is that a block comes back cold. Source:
/// design/performance.md 3.4.
constexpr std::uint64_t kDrainAbove = 6;
constexpr std::uint64_t kDrainUntil = 12;
constexpr std::size_t kDrainFrom = KiB(512); // bytes of a class below which nothing is worth it

/// Every free of a draining class takes the slow path: where no slab becomes empty in so many frees
/// per block, what is live stays where it is, and there is nothing to wait for. Five, because after
/// five random replacements of each a slab of a hundred blocks has one left of those it had.
constexpr std::uint64_t kDrainPatience = 5;

/// Slow paths until an armed bin is used again. Frees do not count while the class drains: a thread
/// that frees much and then does little must still come by.
constexpr std::uint8_t kVisitsToDisarm = 8;

/// First and largest number of blocks of one class in a bin.
constexpr std::size_t first_cap(std::size_t size)
{
    return std::clamp(KiB(8) / size, std::size_t{1}, std::size_t{256});
}

constexpr std::size_t largest_cap(std::size_t size)
{
    if (size <= KiB(8)) return KiB(64) / size;
    return std::clamp(KiB(1024) / size, std::size_t{1}, std::size_t{16});
}

} // namespace

std::int64_t Heap::empty_account(const ClassState& state)
{
    return state.draining ? 0 : std::int64_t{state.cap} * kRoomUnit;
}

void Heap::arm(SizeClass size_class)
{
    ClassState& state = this->state(size_class);
    Bin& bin = this->bin(size_class);
    state.visits_left = kVisitsToDisarm;
    if (state.armed) return;
    state.armed = true;
    state.armed_list = bin.head;
    state.armed_room = bin.room();
    bin.head = nullptr;
    bin.account -= state.armed_room * kRoomUnit;
}

void Heap::disarm(SizeClass size_class)
{
    ClassState& state = this->state(size_class);
    Bin& bin = this->bin(size_class);
    if (!state.armed) return;
    bin.head = state.armed_list;
    bin.account += state.armed_room * kRoomUnit;
    state.armed = false;
    state.armed_list = nullptr;
    state.armed_room = 0;
    state.used = true;
    ticks_ = kLookAtClock;
}

void Heap::rearm(SizeClass size_class)
{
    ClassState& state = this->state(size_class);
    if (state.armed || state.visits_left == 0) return;
    const auto visits_left = static_cast<std::uint8_t>(state.visits_left - 1);
    arm(size_class);
    state.visits_left = visits_left;
}

void Heap::harvest(SizeClass size_class)
{
    ClassState& state = this->state(size_class);
    Bin& bin = this->bin(size_class);
    // An empty bin has a known room, so that even a count beyond 2^30 comes out right.
    const std::int64_t pushes =
        bin.head == nullptr ? bin.account - empty_account(state) : bin.pushes();
    state.pushes += static_cast<std::uint64_t>(pushes);
    bin.account -= pushes;
}

void Heap::settle()
{
    for (std::size_t index = 0; index < kSizeClassCount; ++index) {
        const auto size_class = static_cast<SizeClass>(index);
        disarm(size_class);
        Bin& bin = this->bin(size_class);
        // What a bin holds says which part of its account is room; the rest are pushes, however
        // many. The bound is for a list that a double free has closed to a ring.
        std::uint64_t cached = 0;
        for (const FreeBlock* block = bin.head;
             block != nullptr && cached <= state(size_class).carved; block = block->next)
            ++cached;
        const std::int64_t room = room_when_empty(size_class) - static_cast<std::int64_t>(cached);
        const std::int64_t pushes = bin.account - room * kRoomUnit;
        if (pushes < kRoomUnit || cached > state(size_class).carved) continue;
        state(size_class).pushes += static_cast<std::uint64_t>(pushes);
        bin.account -= pushes;
    }
}

void Heap::fill_bin(SizeClass size_class, FreeBlock* list, std::size_t count)
{
    ClassState& state = this->state(size_class);
    Bin& bin = this->bin(size_class);
    bin.head = list;
    bin.account -= static_cast<std::int64_t>(count) * kRoomUnit;
    state.refilled += count;
    state.may_grow = true;
}

/// Takes the caps of other classes, in turn, until there is room for `bytes` more.
bool Heap::free_cache_room(std::size_t bytes, SizeClass keep)
{
    for (std::size_t tries = 0; tries < kSizeClassCount && cache_used_ + bytes > cache_room();
         ++tries) {
        const auto victim = static_cast<SizeClass>(next_victim_);
        next_victim_ = (next_victim_ + 1) % kSizeClassCount;
        if (victim != keep && state(victim).cap != 0) drop_cap(victim);
    }
    return cache_used_ + bytes <= cache_room();
}

void Heap::drop_cap(SizeClass size_class)
{
    ClassState& state = this->state(size_class);
    flush_bin(size_class);
    disarm(size_class);
    cache_used_ -= state.cap * block_size(size_class);
    const std::int64_t before = empty_account(state);
    state.cap = 0;
    bin(size_class).account -= before;
}

/// Doubles what the bin may hold. It does so when a refill was followed by an overflow: the blocks
/// that spilled now will be wanted again.
bool Heap::grow_cap(SizeClass size_class)
{
    ClassState& state = this->state(size_class);
    const std::size_t size = block_size(size_class);
    const std::size_t cap =
        state.cap == 0 ? first_cap(size) : std::min(std::size_t{state.cap} * 2, largest_cap(size));
    if (!state.may_grow || state.draining || cap <= state.cap) return false;
    state.may_grow = false;
    const std::size_t bytes = (cap - state.cap) * size;
    if (cache_used_ + bytes > cache_room() && !free_cache_room(bytes, size_class)) return false;
    cache_used_ += bytes;
    bin(size_class).account += static_cast<std::int64_t>(cap - state.cap) * kRoomUnit;
    state.cap = static_cast<std::uint32_t>(cap);
    return true;
}

void* Heap::allocate_from_bin(SizeClass size_class, std::size_t request)
{
    void* block = pop(*cache_, index_of(size_class));
    // Not empty for whoever ended here by way of an alignment.
    if (block == nullptr && refill(size_class, request)) {
        block = pop(*cache_, index_of(size_class));
        rearm(size_class);
    }
    tick();
    return block;
}

/// Into a bin without room.
void Heap::free_overflowing(SizeClass size_class, FreeBlock* block)
{
    // An armed bin has no room: the block goes to its slab.
    if (ClassState& state = this->state(size_class); state.armed && !state.draining) {
        ticks_ = kLookAtClock;
        if (state.visits_left != 0) --state.visits_left;
        if (state.visits_left == 0) disarm(size_class);
    }
    Bin& bin = this->bin(size_class);
    // A draining class may have been refilled with more than its bin is to keep: that is used up.
    if (bin.room() <= 0 && !state(size_class).draining && !state(size_class).armed &&
        !grow_cap(size_class))
        spill(size_class);
    if (bin.room() > 0) {
        push(*cache_, index_of(size_class), block);
    } else {
        ClassState& state = this->state(size_class);
        ++state.unbinned;
        if (state.drain_left != 0) --state.drain_left;
        put_back(address_range.slab_at(address_range.granule_of(block), size_class), block, block,
                 1);
    }
    if (!state(size_class).draining) update_draining(size_class);
    tick();
}

/// Moves the newer half of a full bin to the slabs. The newer one because its blocks are in the
/// CPU's cache, and because what is freed in a row often lies in a row: such blocks go home
/// together.
void Heap::spill(SizeClass size_class)
{
    const std::int64_t cached = room_when_empty(size_class) - bin(size_class).room();
    const std::uint64_t moved = move_to_slabs(
        size_class, static_cast<std::uint64_t>(std::max(cached, std::int64_t{0}) + 1) / 2);
    state(size_class).spilled += moved;
}

/// Moves the `most` newest blocks of a bin to their slabs, consecutive ones of one slab as a piece.
/// Returns how many.
std::uint64_t Heap::move_to_slabs(SizeClass size_class, std::uint64_t most)
{
    Bin& bin = this->bin(size_class);
    std::uint64_t moved = 0;
    FreeBlock* block = bin.head;
    while (block != nullptr && moved < most) {
        Slab& slab = address_range.slab_at(address_range.granule_of(block), size_class);
        FreeBlock* const first = block;
        FreeBlock* last = nullptr;
        std::size_t count = 0;
        do {
            last = block;
            block = block->next;
            ++count;
        } while (block != nullptr && moved + count < most &&
                 &address_range.slab_at(address_range.granule_of(block), size_class) == &slab);
        // Off the bin first: a crash handler that interrupts this still takes blocks from there.
        bin.head = block;
        std::atomic_signal_fence(std::memory_order_seq_cst);
        put_back(slab, first, last, count);
        moved += count;
    }
    bin.account += static_cast<std::int64_t>(moved) * kRoomUnit;
    state(size_class).refilled -= moved;
    return moved;
}

void Heap::update_draining(SizeClass size_class)
{
    ClassState& state = this->state(size_class);
    const std::uint64_t idle = state.idle_blocks();
    const std::uint64_t present = state.present_blocks();
    if (idle * kDrainUntil < present) {
        state.gave_up_at = 0;
        if (state.draining) set_draining(size_class, false);
    } else if (state.draining) {
        if (state.drain_left != 0) return;
        state.gave_up_at = idle;
        set_draining(size_class, false);
    } else if (idle * kDrainAbove > present && idle > state.gave_up_at + state.gave_up_at / 8 &&
               present * block_size(size_class) >= kDrainFrom) {
        set_draining(size_class, true);
    }
}

void Heap::expect_empty_slabs(SizeClass size_class)
{
    ClassState& state = this->state(size_class);
    state.drain_left = state.present_blocks() * kDrainPatience;
}

void Heap::set_draining(SizeClass size_class, bool draining)
{
    if (draining) flush_bin(size_class);
    ClassState& state = this->state(size_class);
    const std::int64_t before = empty_account(state);
    state.draining = draining;
    bin(size_class).account += empty_account(state) - before;
    if (!draining) return;
    pressure_counters.drainings.add();
    expect_empty_slabs(size_class);
    arm(size_class);
}

void Heap::flush_bin(SizeClass size_class)
{
    if (is_split()) gather(size_class);
    disarm(size_class);
    if (bin(size_class).head == nullptr) return;
    move_to_slabs(size_class, std::numeric_limits<std::uint64_t>::max());
    harvest(size_class);
}

void Heap::flush()
{
    collect_remote();
    for (std::size_t index = 0; index < kSizeClassCount; ++index)
        flush_bin(static_cast<SizeClass>(index));
}

void Heap::recount_bins()
{
    for (std::size_t index = 0; index < kSizeClassCount; ++index) {
        const auto size_class = static_cast<SizeClass>(index);
        disarm(size_class);
        Bin& bin = this->bin(size_class);
        std::int64_t cached = 0;
        for (const FreeBlock* block = bin.head; block != nullptr; block = block->next)
            ++cached;
        bin.account = (room_when_empty(size_class) - cached) * kRoomUnit + bin.pushes();
    }
    for (RemoteBatch& batch : batches().remote) {
        batch.count = 0;
        for (const FreeBlock* block = batch.newest; block != nullptr; block = block->next)
            ++batch.count;
    }
}

} // namespace tarn
