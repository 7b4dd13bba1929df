// SPDX-License-Identifier: MIT

#include "src/heap/sampled.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "src/heap/heap_registry.h"
#include "src/heap/observed.h"
#include "src/os/process.h"

namespace tarn {

constinit SampleHeap sample_heap;

namespace {

/// The first `most` blocks of a list, of which there is at least one.
BlockList cut(FreeBlock* list, std::uint64_t most)
{
    BlockList result{.first = list, .last = list, .count = 1};
    while (result.count < most && result.last->next != nullptr) {
        result.last = result.last->next;
        ++result.count;
    }
    return result;
}

/// More than a split bin holds, and the end of one that a double free has closed to a ring.
constexpr std::uint64_t kAll = 1000;

Bin empty_freed_bin(SizeClass size_class)
{
    const std::int64_t room = most_split_blocks(block_size(size_class));
    return {.head = nullptr, .account = room * kRoomUnit};
}

std::uint64_t count_freed(Bin freed, SizeClass size_class)
{
    if (freed.head == nullptr) return 0;
    const std::int64_t room = most_split_blocks(block_size(size_class));
    return static_cast<std::uint64_t>(std::max(room - freed.room(), std::int64_t{1}));
}

/// Different in each process, heap and run.
std::uint64_t seed_of(const Heap& heap)
{
    return os::clock_milliseconds() << 16U ^ reinterpret_cast<std::uintptr_t>(&heap) ^
           std::uint64_t{os::process_id()} << 32U;
}

} // namespace

ClassSample& Heap::next_sample(SizeClass size_class)
{
    ClassSample& sample = sample_.classes[index_of(size_class)];
    if (sample.left != 0) return sample;
    if (!sample_.is_seeded) {
        sample_.sampler = Sampler(seed_of(*this));
        sample_.is_seeded = true;
    }
    const std::size_t unit = settings.guards != nullptr ? 1 : block_size(size_class);
    sample.left = sample_.sampler.draw(unit, settings.sample_period) + 1;
    return sample;
}

bool Heap::takes_sample(SizeClass size_class)
{
    if (thread_->bins[index_of(size_class)].head != nullptr) return false;
    ClassSample& sample = next_sample(size_class);
    if (sample.left != 1) return false;
    sample.left = 0;
    return true;
}

void* Heap::allocate_sampled(SizeClass size_class, std::size_t request)
{
    const std::size_t index = index_of(size_class);
    // Not empty for whoever ended here by way of an alignment.
    if (void* const block = pop(*thread_, index)) return block;

    if (--next_sample(size_class).left == 0 && settings.guards == nullptr)
        if (void* const block = sample_heap.allocate(size_class, request)) return block;
    return take_split(size_class, request);
}

/// Fills bins[c] with what may be allocated before the next block of the sample, and takes one.
void* Heap::take_split(SizeClass size_class, std::size_t request)
{
    const std::size_t index = index_of(size_class);
    ClassState& state = this->state(size_class);
    ClassSample& sample = sample_.classes[index];
    Bin& freed = thread_->freed[index];
    const std::uint64_t most = std::max(sample.left, std::uint64_t{1});
    const Bin taken = std::exchange(freed, empty_freed_bin(size_class));
    FreeBlock* list = taken.head;
    std::uint64_t count = count_freed(taken, size_class);
    if (list != nullptr) {
        state.pushes += count;
        if (count > most) {
            FreeBlock* const last = cut(list, most).last;
            freed.head = last->next;
            freed.account -= static_cast<std::int64_t>(count - most) * kRoomUnit;
            state.pushes -= count - most;
            last->next = nullptr;
            count = most;
        }
    } else {
        Bin& bin = this->bin(size_class);
        if (bin.head == nullptr && !refill(size_class, request)) return nullptr;
        const std::uint64_t room = most_split_blocks(block_size(size_class));
        const BlockList part = cut(bin.head, std::min(most, std::max(room, std::uint64_t{1})));
        list = part.first;
        count = part.count;
        bin.head = part.last->next;
        bin.account += static_cast<std::int64_t>(count) * kPopStep;
        part.last->next = nullptr;
        rearm(size_class);
    }
    sample.loaded = static_cast<std::uint32_t>(count - 1);
    sample.left -= std::min(sample.left, count - 1);
    thread_->bins[index] = {.head = list->next, .account = 0};
    tick();
    return list;
}

void Heap::free_split(SizeClass size_class, FreeBlock* block)
{
    take_freed(size_class);
    if (!push(*thread_, kFreedBins + index_of(size_class), block)) {
        thread_->freed[index_of(size_class)] = empty_freed_bin(size_class);
        free_local(size_class, block);
    }
}

/// Moves what has been freed to where the heap keeps it.
void Heap::take_freed(SizeClass size_class)
{
    Bin& freed = thread_->freed[index_of(size_class)];
    FreeBlock* block = freed.head;
    freed = empty_freed_bin(size_class);
    if (block == nullptr) return;
    const BlockList list = cut(block, kAll);
    if (bin(size_class).room() >= list.count) return add_to_bin(size_class, list, kPushStep);
    while (block != nullptr) {
        FreeBlock* const next = block->next;
        free_local(size_class, block);
        block = next;
    }
}

/// Moves both split bins to the heap's own, room or not.
void Heap::gather(SizeClass size_class)
{
    disarm(size_class);
    // Off the thread's bins first: a signal handler that interrupts this still uses them.
    Bin& loaded = thread_->bins[index_of(size_class)];
    FreeBlock* const unused = std::exchange(loaded, {}).head;
    Bin& freed = thread_->freed[index_of(size_class)];
    FreeBlock* const used = std::exchange(freed, empty_freed_bin(size_class)).head;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (unused != nullptr) {
        const BlockList list = cut(unused, kAll);
        ClassSample& sample = sample_.classes[index_of(size_class)];
        sample.loaded = 0;
        if (sample.left != 0) sample.left += list.count; // not allocated yet
        add_to_bin(size_class, list, kRoomUnit);
    }
    if (used != nullptr) add_to_bin(size_class, cut(used, kAll), kPushStep);
}

void Heap::add_to_bin(SizeClass size_class, const BlockList& list, std::int64_t step)
{
    Bin& bin = this->bin(size_class);
    list.last->next = bin.head;
    bin.head = list.first;
    bin.account -= static_cast<std::int64_t>(list.count) * step;
}

/// Of another thread's, which may be changing it, a torn figure is the worst that happens.
[[gnu::no_sanitize("thread")]] std::uint64_t Heap::freed_count(SizeClass size_class) const
{
    return count_freed(thread_->freed[index_of(size_class)], size_class);
}

[[gnu::no_sanitize("thread")]] std::uint64_t Heap::loaded_count(SizeClass size_class) const
{
    const Bin loaded = thread_->bins[index_of(size_class)];
    const auto popped = static_cast<std::uint64_t>(loaded.room());
    const std::uint64_t all = sample_.classes[index_of(size_class)].loaded;
    return loaded.head != nullptr && all > popped ? all - popped : 0;
}

void SampleHeap::initialise()
{
    heap_ = heap_registry.take_for_good();
    if (heap_ == nullptr) return;
    id_ = heap_->id();
    sampler_ = Sampler(seed_of(*heap_));
}

void* SampleHeap::allocate(SizeClass size_class, std::size_t size)
{
    if (heap_ == nullptr) return nullptr;
    const os::LockGuard guard(mutex_);
    return heap_->allocate_from_bin(size_class, size);
}

void SampleHeap::deallocate(SizeClass size_class, FreeBlock* block)
{
    const os::LockGuard guard(mutex_);
    heap_->free_local(size_class, block);
}

void SampleHeap::trim()
{
    const os::LockGuard guard(mutex_);
    if (heap_ != nullptr) heap_->trim();
}

void SampleHeap::verify()
{
    const os::LockGuard guard(mutex_);
    if (heap_ != nullptr) heap_->verify();
}

bool SampleHeap::owns(const void* block) const
{
    return address_range.descriptor(address_range.granule_of(block)) >> kOwnerShift == id_;
}

bool SampleHeap::choose_large(std::size_t size)
{
    const os::LockGuard guard(mutex_);
    if (settings.guards != nullptr) size = 1;
    return sampler_.draw(size, settings.sample_period) == 0;
}

std::uint32_t SampleHeap::weigh(std::size_t size)
{
    const os::LockGuard guard(mutex_);
    return sampler_.weigh(size, settings.sample_period);
}

} // namespace tarn
