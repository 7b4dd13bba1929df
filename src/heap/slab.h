// SPDX-License-Identifier: MIT
//
// Slab: a run of granules cut into blocks of one size, owned by one heap.
//
// Its record lies outside the memory it describes: an overflow of user data cannot reach it, and
// records of neighbouring slabs share no cache sets with the slabs' first blocks.
//
//      block 0 .. carved-1: handed out once; now in use, in a thread cache, on `free`, or absent,
//                           because its pages were given back
//      block carved .. capacity-1: never touched since the slab was made
//
// Threads: everything but `remote` and `remote_next` belongs to the owning heap.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "src/heap/slab_shape.h"

namespace tarn {

/// A free block; it links through its own first word.
struct FreeBlock {
    FreeBlock* next;
};

/// Blocks that other threads freed, packed into one word so that a batch costs one atomic.
/// Positions are block numbers in the slab.
struct alignas(8) RemoteList { // aligned, or clang would call libatomic
    std::uint16_t head = 0;
    std::uint16_t tail = 0;
    std::uint16_t count = 0;
    std::uint16_t unused = 0;
};

struct alignas(64) Slab {
    FreeBlock* free;                // returned blocks, last in first out
    Slab* next;                     // in the owner's list of slabs with room
    Slab* previous;                 // likewise
    std::atomic<RemoteList> remote; // pushed by any thread, taken by the owner
    Slab* remote_next;              // in the owner's queue of slabs with remote blocks
    std::uint16_t free_count;       // blocks on `free`
    std::uint16_t carved;           // blocks handed out at least once
    std::uint16_t capacity;         // blocks
    std::uint16_t touched;          // most blocks ever carved since the slab was made
    SizeClass size_class;
    bool listed;                 // in the owner's list
    bool dense;                  // made when its class had filled many, see Growth
    bool known_zero;             // uncarved blocks read as zero
    std::uint32_t granule;       // number of its first granule
    std::uint32_t holes;         // one bit per page that is a hole, see holes.h
    std::uint16_t absent;        // blocks that touch one: free, but not on `free`
    std::uint16_t free_at_punch; // free_count when holes were last looked for

    bool has_room() const { return free != nullptr || carved < capacity || absent != 0; }
    bool is_empty() const { return free_count + absent == carved; }
};

static_assert(sizeof(Slab) == 64, "one cache line per slab");
static_assert(std::atomic<RemoteList>::is_always_lock_free);

/// Slabs with room of one class, the one to fill next in front.
///
/// A slab enters in front when a full one gets its first block back: the front is then the
/// fullest, and slabs further back get the time to become empty.
class SlabList {
public:
    Slab* front() const { return front_; }

    void push_front(Slab& slab)
    {
        slab.previous = nullptr;
        slab.next = front_;
        if (front_ != nullptr) front_->previous = &slab;
        front_ = &slab;
        slab.listed = true;
    }

    void remove(Slab& slab)
    {
        (slab.previous != nullptr ? slab.previous->next : front_) = slab.next;
        if (slab.next != nullptr) slab.next->previous = slab.previous;
        slab.listed = false;
    }

private:
    Slab* front_ = nullptr;
};

} // namespace tarn
