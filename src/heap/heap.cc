// SPDX-License-Identifier: MIT

#include "src/heap/heap.h"

#include <algorithm>

#include "src/base/assert.h"
#include "src/heap/budget.h"
#include "src/heap/holes.h"
#include "src/heap/observed.h"
#include "src/heap/page_heap.h"
#include "src/heap/remote_free.h"
#include "src/heap/settings.h"

namespace tarn {

constinit std::atomic<std::uint32_t> trim_epoch{0};

namespace {

/// From so many slabs of a class on, one more is sure to be filled.
constexpr std::uint32_t kDenseFrom = 16;

/// From so many slabs of a class on, one more is given its memory at once: it is sure to be filled,
/// and if not, it is a sixty-fourth of the class. Blocks above a page may be used in part only.
/// Filling 240 MiB takes 10 % less time so; from the 16th slab on, 14 %, but python then takes 5 to
/// 10 % more memory (measured 2026-11-21).
constexpr std::uint32_t kPopulateFrom = 64;
constexpr std::size_t kMostPopulatedBlock = KiB(4);

/// Slabs whose remote frees one miss takes home, 100 ns each: few, so that no call waits for what
/// others have freed in a long time, and more before the heap grows.
constexpr std::size_t kSlabsPerMiss = 2;
constexpr std::size_t kSlabsBeforeGrowth = 16;

/// A bin of a draining class is refilled with so many blocks if a few slabs have them.
constexpr std::size_t kDrainRefill = 32;

/// Granules behind a slab that are nobody's, see Settings::scatters_slabs. As many again where
/// slabs are aligned to their size, so that both together are.
std::size_t gap_behind(const SlabShape& shape)
{
    if (!settings.scatters_slabs) [[likely]]
        return 0;
    return shape.is_single_block() ? 1 : shape.granules;
}

/// Granules for a slab, within the budget.
Run allocate_run(const SlabShape& shape, Growth growth)
{
    if (!budget.reserve(shape.span())) return {};
    const std::size_t gap = gap_behind(shape);
    const Run run = page_heap.allocate(shape.granules, growth, gap);
    if (run.granules == 0) {
        budget.release(shape.span());
        return run;
    }
    // Where the system has no more mappings it is a gap that can be written to.
    if (gap != 0)
        os::forbid(address_range.granule_address(run.granule + run.granules), gap * kGranule);
    return run;
}

void release_run(const Slab& slab, const SlabShape& shape, std::size_t touched)
{
    const std::size_t gap = gap_behind(shape);
    const bool is_usable =
        gap == 0 ||
        os::commit(address_range.granule_address(slab.granule + shape.granules), gap * kGranule);
    // What cannot be used again stays where it is.
    page_heap.release(slab.granule, shape.granules, touched,
                      slab.dense ? Growth::dense : Growth::sparse, is_usable ? gap : 0);
    budget.release(shape.span());
}

} // namespace

void Heap::initialise(std::uint32_t id)
{
    id_ = id;
    punch_after_ = kPunchAtFirst;
    cache_ = &parked_;
}

void Heap::attach(ThreadCache& cache)
{
    // Not `busy`: a signal handler that came in between would wait for our own lock. Of a new heap
    // all is zero, and left alone: it lies on a page that is not needed otherwise.
    thread_ = &cache;
    if (settings.observer != nullptr || settings.checks != nullptr || settings.guards != nullptr) {
        // The bins stay here; nothing is the thread's own, or what it frees is kept apart: see
        // observed.h and sampled.h.
        cache.self = is_sampling() ? id_ << kOwnerShift | kFreedBins : kNobody;
        parked_.heap = this;
    } else {
        cache.bins = parked_.bins;
        cache.remote = parked_.remote;
        cache.self = id_ << kOwnerShift;
        cache_ = &cache;
    }
    cache.heap = this;
}

void Heap::park()
{
    publish_all(batches());
    if (cache_ != &parked_) {
        parked_.bins = cache_->bins;
        parked_.remote = cache_->remote;
        parked_.heap = this;
        cache_->bins = {};
    }
    for (std::size_t index = 0; is_split() && index < kSizeClassCount; ++index)
        gather(static_cast<SizeClass>(index));
    thread_->self = 0;
    thread_->heap = nullptr;
    thread_ = nullptr;
    cache_ = &parked_;
}

Slab* Heap::new_slab(SizeClass size_class)
{
    const SlabShape& shape = shape_of(size_class);
    const Growth growth = state(size_class).slabs >= kDenseFrom ? Growth::dense : Growth::sparse;
    Run run = allocate_run(shape, growth);
    if (run.granules == 0) {
        // Out of budget or of range: what our own bins keep from becoming empty slabs may do.
        if (!trim_may_help()) return nullptr;
        trim();
        run = allocate_run(shape, growth);
        if (run.granules == 0) return nullptr;
    }
    Slab& slab = address_range.slab_record(run.granule);
    slab.free = nullptr;
    slab.free_count = 0;
    slab.carved = 0;
    slab.touched = 0;
    slab.capacity = shape.capacity;
    slab.size_class = size_class;
    slab.dense = growth == Growth::dense;
    slab.known_zero = run.known_zero;
    slab.granule = static_cast<std::uint32_t>(run.granule);
    slab.holes = 0;
    slab.absent = 0;
    slab.free_at_punch = 0;
    for (std::size_t i = 0; i < run.granules; ++i)
        address_range.set_descriptor(run.granule + i, descriptor_for(size_class));

    if (slab.known_zero && state(size_class).slabs >= kPopulateFrom &&
        shape.block_size <= kMostPopulatedBlock)
        os::populate(address_range.slab_start(slab), shape.span());

    ClassState& state = this->state(size_class);
    ++state.slabs;
    state.with_room.push_front(slab);
    if (run.known_zero && (fresh_ += shape.span()) >= punch_after_) punch_to_grow();
    return &slab;
}

void Heap::release_slab(Slab& slab)
{
    const SlabShape& shape = shape_of(slab.size_class);
    ClassState& state = this->state(slab.size_class);
    const std::size_t blocks = std::max(slab.touched, slab.carved);
    const std::size_t touched = divide_up(blocks * shape.block_size, kGranule);
    state.carved -= slab.carved;
    state.in_slabs -= slab.free_count + slab.absent;
    state.absent -= slab.absent;
    --state.slabs;
    for (std::size_t i = 0; i < shape.granules; ++i)
        address_range.set_descriptor(slab.granule + i, 0);
    release_run(slab, shape, touched);
}

Slab* Heap::slab_with_room(SizeClass size_class)
{
    const SlabList& slabs = state(size_class).with_room;
    // More memory only when nothing that comes home would do.
    if (slabs.front() == nullptr) collect_remote(kSlabsBeforeGrowth);
    return slabs.front() != nullptr ? slabs.front() : new_slab(size_class);
}

/// Hands out blocks of `slab` for the first time: about a page of them while that page would have
/// to be faulted in, more when the memory is there already.
std::size_t Heap::carve(Slab& slab, FreeBlock*& list)
{
    const SlabShape& shape = shape_of(slab.size_class);
    const std::size_t worth = os::kPageSize / shape.block_size;
    const std::size_t wanted = std::max(worth, std::size_t{slab.known_zero ? 1U : 8U});
    const std::size_t count =
        std::min(wanted, std::size_t{slab.capacity} - std::size_t{slab.carved});
    std::byte* const first =
        address_range.slab_start(slab) + std::size_t{slab.carved} * shape.block_size;
    std::byte* address = first;
    for (std::size_t i = 1; i < count; ++i, address += shape.block_size)
        reinterpret_cast<FreeBlock*>(address)->next =
            reinterpret_cast<FreeBlock*>(address + shape.block_size);
    reinterpret_cast<FreeBlock*>(address)->next = nullptr;
    list = reinterpret_cast<FreeBlock*>(first);
    slab.carved = static_cast<std::uint16_t>(slab.carved + count);
    state(slab.size_class).carved += count;
    return count;
}

bool Heap::refill(SizeClass size_class, std::size_t request)
{
    ClassState& state = this->state(size_class);
    state.requested += request;
    ++state.misses;
    collect_remote(kSlabsPerMiss);
    if (state.armed) {
        disarm(size_class);
        if (bin(size_class).head != nullptr) return true;
    }
    harvest(size_class);
    if (state.draining) update_draining(size_class);
    Slab* const slab = slab_with_room(size_class);
    if (slab == nullptr) return false;

    FreeBlock* list = nullptr;
    std::size_t count = take_from(*slab, list);
    // The fullest slabs have a block or two each.
    for (Slab* next = state.with_room.front();
         state.draining && count < kDrainRefill && next != nullptr && next->free != nullptr &&
         next->free_count < kDrainRefill;
         next = state.with_room.front()) {
        FreeBlock* more = nullptr;
        count += take_from(*next, more);
        FreeBlock* last = more;
        while (last->next != nullptr)
            last = last->next;
        last->next = list;
        list = more;
    }
    fill_bin(size_class, list, count);
    return true;
}

/// Takes all free blocks of `slab`, or some of those without memory when it has no others.
std::size_t Heap::take_from(Slab& slab, FreeBlock*& list)
{
    ClassState& state = this->state(slab.size_class);
    std::size_t count = slab.free_count;
    if (slab.free != nullptr) {
        list = slab.free;
        slab.free = nullptr;
        slab.free_count = 0;
        state.in_slabs -= count;
    } else if (slab.absent != 0) {
        count = fill_hole(slab, list);
        state.in_slabs -= count;
        state.absent -= count;
    } else {
        count = carve(slab, list);
    }
    if (!slab.has_room()) state.with_room.remove(slab);
    return count;
}

void* Heap::take_zeroed(SizeClass size_class, std::size_t request)
{
    ClassState& state = this->state(size_class);
    collect_remote(kSlabsPerMiss);
    if (state.armed) {
        disarm(size_class);
        if (bin(size_class).head != nullptr) return nullptr;
    }
    // Memory that was used before is cheaper to clear than new memory is to fault in.
    Slab* const slab = slab_with_room(size_class);
    if (slab == nullptr || slab->free != nullptr || slab->absent != 0 || !slab->known_zero)
        return nullptr;
    std::byte* const block = address_range.slab_start(*slab) +
                             std::size_t{slab->carved} * shape_of(size_class).block_size;
    ++slab->carved;
    ++state.carved;
    ++state.direct;
    ++state.misses;
    state.requested += request;
    state.may_grow = true;
    if (!slab->has_room()) state.with_room.remove(*slab);
    return block;
}

/// Gives blocks `first` .. `last`, already linked, back to their slab.
void Heap::put_back(Slab& slab, FreeBlock* first, FreeBlock* last, std::size_t count)
{
    ClassState& state = this->state(slab.size_class);
    last->next = slab.free;
    slab.free = first;
    slab.free_count = static_cast<std::uint16_t>(slab.free_count + count);
    state.in_slabs += count;
    if (!slab.listed) state.with_room.push_front(slab);
    if (slab.is_empty()) retire(slab);
}

/// An empty slab goes back to the page heap at once, where every thread and class can have it;
/// but the last small one with room stays, or a block that comes and goes would move it each time.
void Heap::retire(Slab& slab)
{
    ClassState& state = this->state(slab.size_class);
    const bool is_last = state.with_room.front() == &slab && slab.next == nullptr;
    if (is_last && slab.capacity > 1) {
        state.carved -= slab.carved;
        state.in_slabs -= slab.free_count + slab.absent;
        state.absent -= slab.absent;
        slab.free = nullptr;
        slab.free_count = 0;
        slab.holes = 0;
        slab.absent = 0;
        // To be carved again from its start, in order of addresses; it is not zero any more, and
        // the page heap must still hear of all that was touched.
        slab.touched = std::max(slab.touched, slab.carved);
        slab.carved = 0;
        slab.known_zero = false;
        keeps_empty_slabs_ = true;
        return;
    }
    state.with_room.remove(slab);
    const SizeClass size_class = slab.size_class;
    release_slab(slab); // from here on it may be somebody else's
    if (state.draining) expect_empty_slabs(size_class);
}

/// Reads batches that their thread may be changing; a torn figure is the worst that happens.
[[gnu::no_sanitize("thread")]] std::uint64_t Heap::freed_elsewhere(SizeClass size_class) const
{
    std::uint64_t sum = state_of(size_class).sent;
    for (const RemoteBatch& batch : batches().remote)
        if (batch.key != 0 && address_range.slab_record(batch.key - 1).size_class == size_class)
            sum += batch.count;
    return sum;
}

void Heap::collect_remote(std::size_t most)
{
    if (to_collect_ == nullptr) {
        if (remote_queue_.load(std::memory_order_relaxed) == nullptr) return;
        to_collect_ = remote_queue_.exchange(nullptr, std::memory_order_acquire);
    }
    for (; to_collect_ != nullptr && most > 0; --most) {
        Slab& slab = *to_collect_;
        // The next one first: as soon as the list is taken, others may queue the slab again.
        to_collect_ = slab.remote_next;
        const RemoteList list = slab.remote.exchange({}, std::memory_order_acq_rel);
        state(slab.size_class).received += list.count;
        ++remote_batches_;
        put_back(slab, block_at(slab, list.head), block_at(slab, list.tail), list.count);
    }
}

} // namespace tarn
