// SPDX-License-Identifier: MIT
//
// Heap: the owner of slabs behind a thread cache.
//
// A heap belongs to one thread at a time and outlives it: when the thread ends, the heap is parked
// with everything it holds, and the next new thread adopts it, owner id included, so that no
// descriptor has to change. Its record never moves and is never unmapped.
//
// Threads: everything but remote_queue and the counters that say so belongs to the thread that
// has the heap, or, while it is parked, to the holder of the registry's lock.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "src/heap/remote_free.h"
#include "src/heap/sampled.h"
#include "src/heap/slab.h"
#include "src/heap/thread_cache.h"

namespace tarn {

class SlotCache;

/// What a heap knows of one size class.
struct ClassState {
    SlabList with_room;
    std::uint32_t cap;        // blocks that the bin may hold; 0 until the first free
    std::uint32_t slabs;      // slabs of this class
    std::uint64_t carved;     // blocks of those slabs handed out at least once
    std::uint64_t in_slabs;   // of these, blocks back in the slabs
    std::uint64_t absent;     // of these, blocks without memory, see holes.h
    std::uint64_t refilled;   // blocks moved from slabs to the bin, less those moved back
    std::uint64_t pushes;     // frees that the bin took, as far as harvested
    std::uint64_t spilled;    // blocks that a full bin moved to their slabs
    std::uint64_t unbinned;   // frees that went straight to the slab: the bin takes none
    std::uint64_t sent;       // blocks of other heaps published, see remote_free.h
    std::uint64_t received;   // frees by other threads that came home
    std::uint64_t direct;     // blocks handed out without passing the bin
    std::uint64_t requested;  // bytes asked for by the requests that missed, to estimate rounding
    std::uint64_t misses;     // their number
    std::uint64_t traffic;    // misses, spilled and unbinned when they were last looked at
    std::uint64_t drain_left; // frees until draining is given up, see kDrainPatience
    std::uint64_t gave_up_at; // idle blocks when it was; 0: it was not
    FreeBlock* armed_list;    // what an armed bin holds, see Heap::arm()
    std::int64_t armed_room;  // likewise
    bool armed;               // the bin is empty and has no room
    std::uint8_t visits_left; // slow paths until it stays disarmed
    bool used;                // since idle bins were last looked for
    bool quiet;               // hardly any traffic; holes are worth punching
    bool may_grow;            // refilled since the cap last grew
    bool draining;            // most frees go to the slabs, see kDrainAbove

    /// Blocks that lie free in memory.
    std::uint64_t idle_blocks() const { return in_slabs - absent; }
    /// Blocks that have memory.
    std::uint64_t present_blocks() const { return carved - absent; }
};

/// Which slabs get holes: all; those where blocks came free since the last time; of these only
/// sparse ones, where there will be some.
enum class Punch : std::uint8_t { all, changed, sparse };

enum class HeapState : std::uint8_t { unused, attached, parked };

/// Begins with a page: that and one of its TLS are all that a thread needs which has few classes.
class alignas(os::kPageSize) Heap {
public:
    /// Makes the record usable; its memory is zero.
    void initialise(std::uint32_t id);

    /// Takes the heap for the calling thread, whose cache is `cache`.
    void attach(ThreadCache& cache);

    /// Leaves `cache` for the parked copy. Afterwards the thread may end.
    void park();

    /// Reads out accounts that have counted more than 2^30 pushes since a slow path last did.
    void settle();

    /// Makes the counts of bins and remote batches agree with their lists again: those of a thread
    /// that fork() stopped between the two steps of changing one.
    void recount_bins();

    /// A block by way of the bin. Errors: nullptr, out of memory.
    void* allocate_from_bin(SizeClass size_class, std::size_t request);
    /// What the bin has of it; nullptr: nothing.
    void* pop_own(SizeClass size_class) { return pop(*cache_, index_of(size_class)); }

    /// For a thread with split bins, see sampled.h: the block that its bin did not have, which may
    /// be one of the sample. Errors: nullptr, out of memory.
    void* allocate_sampled(SizeClass size_class, std::size_t request);
    /// Whether that block would be one of the sample. If so, it counts as handed out.
    bool takes_sample(SizeClass size_class);
    /// Takes back one of its own blocks, for which there was no room with what is freed.
    void free_split(SizeClass size_class, FreeBlock* block);
    /// Blocks of a thread with split bins that are freed, and that will be allocated next.
    std::uint64_t freed_count(SizeClass size_class) const;
    std::uint64_t loaded_count(SizeClass size_class) const;
    bool is_split() const { return is_sampling() && thread_ != nullptr; }

    /// Fills the empty bin of `size_class`. `request` is the size asked for.
    /// Errors: false, out of memory.
    bool refill(SizeClass size_class, std::size_t request);

    /// A block of untouched, zero memory past the bin, if there is one without touching memory
    /// that would otherwise stay untouched. Requires: the bin is empty.
    void* take_zeroed(SizeClass size_class, std::size_t request);

    /// Takes one of its own blocks back: into the bin if that has or gets room, else to its slab.
    void free_local(SizeClass size_class, FreeBlock* block)
    {
        if (bin(size_class).room() <= 0) return free_overflowing(size_class, block);
        push(*cache_, index_of(size_class), block); // observed, so that all frees come by
        tick();
    }

    /// Takes home what other threads freed, of `most` slabs. Cost: two loads when there is nothing.
    void collect_remote(std::size_t most = std::numeric_limits<std::size_t>::max());

    /// Moves what the bins hold back to the slabs, so that empty slabs can go.
    void flush_bin(SizeClass size_class);
    void flush();

    /// Moves everything back and gives up the empty slabs that were kept, and what lies free
    /// between blocks in use, too.
    void trim();

    /// As trim(), without the bins, by another thread while the owner cannot enter a slow path. For
    /// a bounded time; false: there is more to do.
    bool trim_from_outside();

    /// False: neither bins, empty slabs nor other threads' frees hold anything that trim() could
    /// give up. Spares a thread at the limit of its memory a vain trim for each block.
    bool trim_may_help() const;

    /// Housekeeping that somebody has to do: called on slow paths, works every 100 ms or so.
    void tick()
    {
        if (++ticks_ == 0) [[unlikely]]
            housekeep();
    }

    /// Makes the bin's next operation take the slow path, which disarms it and looks at the clock:
    /// so time passes also for a thread that its bins would serve for ever. Cost: a few stores.
    void arm(SizeClass size_class);
    void disarm(SizeClass size_class);

    /// After a refill: the bin stays armed until refills are frequent.
    void rearm(SizeClass size_class);

    /// Reads the bins' accounts into ClassState, so that they cannot overflow.
    void harvest(SizeClass size_class);

    /// Its bins: those of the thread that has it, unless the heap is observed.
    ThreadCache& cache() { return *cache_; }
    /// The cache that collects what its thread frees of other heaps. Of a split thread its own,
    /// where free looks first: a batch there is never one of the sample, which goes home at once.
    const ThreadCache& batches() const { return is_split() ? *thread_ : *cache_; }
    ThreadCache& batches() { return is_split() ? *thread_ : *cache_; }
    /// The thread that has it is on a slow path. Requires: it is attached.
    bool is_busy() const { return __atomic_load_n(&thread_->busy, __ATOMIC_ACQUIRE); }
    bool belongs_to(const ThreadCache* thread) const { return thread_ == thread; }
    /// Whose it is, or was.
    const ThreadCache* thread() const { return thread_; }
    std::uint32_t id() const { return id_; }
    Descriptor descriptor_for(SizeClass size_class) const
    {
        return id_ << kOwnerShift | static_cast<Descriptor>(size_class);
    }
    const ClassState& state_of(SizeClass size_class) const
    {
        return classes_[index_of(size_class)];
    }
    const Bin& bin_of(SizeClass size_class) const { return cache_->bins[index_of(size_class)]; }

    /// Blocks that the bin takes, or would if it were not armed.
    std::int64_t room_of(SizeClass size_class) const
    {
        return bin_of(size_class).room() + state_of(size_class).armed_room;
    }

    /// Blocks that the bin takes when it is empty.
    std::int64_t room_when_empty(SizeClass size_class) const
    {
        return empty_account(classes_[index_of(size_class)]) / kRoomUnit;
    }

    std::atomic<Slab*>& remote_queue() { return remote_queue_; }
    /// Blocks of other heaps that this one's thread has freed, published or not.
    std::uint64_t freed_elsewhere(SizeClass size_class) const;
    void count_sent(SizeClass size_class, std::size_t blocks) { state(size_class).sent += blocks; }
    std::uint64_t remote_batches() const { return remote_batches_; }
    HeapState state() const { return state_.load(std::memory_order_acquire); }
    void set_state(HeapState state) { state_.store(state, std::memory_order_release); }

    /// What src/checks keeps for whoever has the heap; nullptr: nothing yet.
    std::atomic<SlotCache*> slots{nullptr};

    // Guarded by the registry's lock.
    Heap* next_parked = nullptr;
    bool trimmed = false; // since it was parked

    /// Calls `use` for each list of free blocks that is in no slab's record: bins and batches.
    void for_each_free_list(void (*use)(void* context, const FreeBlock* list), void* context);

    /// Checks every slab, bin and count of this heap; aborts with a line when something is wrong.
    void verify();

private:
    ClassState& state(SizeClass size_class) { return classes_[index_of(size_class)]; }
    void free_overflowing(SizeClass size_class, FreeBlock* block);
    Bin& bin(SizeClass size_class) { return cache_->bins[index_of(size_class)]; }

    void* take_split(SizeClass size_class, std::size_t request);
    ClassSample& next_sample(SizeClass size_class);
    void take_freed(SizeClass size_class);
    void gather(SizeClass size_class);
    void add_to_bin(SizeClass size_class, const BlockList& list, std::int64_t step);
    void verify_split(SizeClass size_class);
    Slab* slab_with_room(SizeClass size_class);
    Slab* new_slab(SizeClass size_class);
    void release_slab(Slab& slab);
    void put_back(Slab& slab, FreeBlock* first, FreeBlock* last, std::size_t count);
    void retire(Slab& slab);
    void spill(SizeClass size_class);
    std::uint64_t move_to_slabs(SizeClass size_class, std::uint64_t most);
    std::size_t take_from(Slab& slab, FreeBlock*& list);
    std::size_t carve(Slab& slab, FreeBlock*& list);
    void fill_bin(SizeClass size_class, FreeBlock* list, std::size_t count);
    bool grow_cap(SizeClass size_class);
    bool free_cache_room(std::size_t bytes, SizeClass keep);
    void drop_cap(SizeClass size_class);
    void update_draining(SizeClass size_class);
    void expect_empty_slabs(SizeClass size_class);
    void set_draining(SizeClass size_class, bool draining);
    static std::int64_t empty_account(const ClassState& state);
    void verify_class(SizeClass size_class);
    void housekeep();
    void release_empty(SizeClass size_class);
    template <class Act> void for_classes_in_use(Act act);
    void flush_idle_bins();
    void look_for_quiet_classes();
    void trim_slabs(Punch punch, std::size_t& most);
    std::size_t punch_class(SizeClass size_class, Punch punch, std::size_t most,
                            std::size_t& looks);
    void punch_quiet_classes(std::size_t most);
    void punch_to_grow();

    static constexpr std::uint8_t kLookAtClock = 255;

    /// After so many bytes of fresh memory a heap first looks whether it could have used what lies
    /// free in its slabs.
    static constexpr std::size_t kPunchAtFirst = MiB(1);

    ThreadCache* cache_ = nullptr;
    ThreadCache* thread_ = nullptr; // whose heap it is while it is attached
    std::uint32_t id_ = 0;
    std::atomic<HeapState> state_{HeapState::unused};
    std::uint8_t ticks_ = 0;      // kLookAtClock: the next tick() looks at the clock
    std::size_t cache_used_ = 0;  // bytes of cap given to the bins
    std::size_t next_victim_ = 0; // class whose cap goes next when the room is all given
    std::uint32_t trim_epoch_ = 0;
    std::uint64_t last_tick_ = 0;        // milliseconds
    std::uint64_t next_tick_ = 0;        // milliseconds
    std::uint64_t next_idle_check_ = 0;  // milliseconds
    std::uint64_t next_quiet_check_ = 0; // milliseconds
    bool keeps_empty_slabs_ = false;     // retire() has kept one since the last trim()
    std::size_t fresh_ = 0;              // bytes of fresh memory taken since punch_to_grow()
    std::size_t punch_after_ = 0;
    std::size_t next_punched_ = 0; // class that punch_to_grow() looks at next
    std::uint64_t remote_batches_ = 0;
    Slab* to_collect_ = nullptr; // slabs taken off the queue that are still to be looked at
    // Other threads write here: a line of its own.
    alignas(64) std::atomic<Slab*> remote_queue_{nullptr};
    alignas(64) std::array<ClassState, kSizeClassCount> classes_{};
    ThreadCache parked_{};
    HeapSample sample_{}; // on pages of its own, which nobody touches who takes none
};

/// Raised by malloc_trim(): every heap flushes its bins when it next passes a slow path.
extern constinit std::atomic<std::uint32_t> trim_epoch;

} // namespace tarn
