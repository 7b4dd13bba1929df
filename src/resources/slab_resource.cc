// SPDX-License-Identifier: MIT
#include <algorithm>
#include <bit>
#include <stdexcept>
#include <utility>

#include <tarn/slab_resource.h>

#include "src/base/units.h"
#include "src/resources/sanitizer.h"
#include "src/resources/watched_blocks.h"

namespace tarn {

struct SlabResource::Node {
    Node* next;
};

/// Heads a slab.
struct SlabResource::Slab {
    Slab* next = nullptr;
    Slab* previous = nullptr;
    Node* free = nullptr;
    std::uintptr_t fresh = 0; // to be carved
    std::uintptr_t end = 0;   // of what can be
    std::size_t size = 0;     // of its blocks
    std::size_t step = 0;
    std::size_t live = 0; // blocks in use

    void enter(std::size_t new_step, std::size_t slab_size)
    {
        step = new_step;
        size = detail::size_of_step(step);
        const auto begin = reinterpret_cast<std::uintptr_t>(this);
        fresh = begin + round_up(sizeof(Slab), detail::alignment_of_step(step));
        end = fresh + (begin + slab_size - fresh) / size * size;
        free = nullptr;
    }
    bool is_full() const { return free == nullptr && fresh == end; }

    void* pop()
    {
        ++live;
        if (free == nullptr) {
            auto* const block = reinterpret_cast<void*>(std::exchange(fresh, fresh + size));
            detail::unpoison(block, size);
            return block;
        }
        detail::unpoison(free, size);
        return std::exchange(free, free->next);
    }
    void push(void* block)
    {
        --live;
        free = ::new (block) Node{free};
        detail::poison(block, size);
    }
};

SlabResource::SlabResource(const Options& options, std::pmr::memory_resource* upstream)
    : Resource(options.name), slab_size_(options.slab), largest_(options.slab / 8),
      steps_(options.steps), keep_(options.keep), upstream_(upstream)
{
    if (!is_power_of_two(slab_size_) || slab_size_ < KiB(4) || slab_size_ > MiB(1))
        throw std::invalid_argument("tarn::SlabResource: size of a slab");
    if (options.checked)
        watched_ = std::make_unique<detail::WatchedBlocks>(name(), upstream, MiB(1));
}

SlabResource::~SlabResource()
{
    release();
}

// Whatever fits; kSizes: nothing does.
std::size_t SlabResource::step_for(std::size_t bytes, std::size_t alignment) const noexcept
{
    if (bytes > largest_ || alignment > largest_ || !detail::is_alignment(alignment)) return kSizes;
    if (steps_ == SizeSteps::doubling) bytes = std::bit_ceil(bytes);
    return detail::size_step_of(bytes, alignment);
}

SlabResource::Slab* SlabResource::slab_of(const void* block) const noexcept
{
    return reinterpret_cast<Slab*>(reinterpret_cast<std::uintptr_t>(block) & ~(slab_size_ - 1));
}

void SlabResource::link(Slab*& list, Slab* slab) noexcept
{
    slab->next = list;
    slab->previous = nullptr;
    if (list != nullptr) list->previous = slab;
    list = slab;
}

void SlabResource::unlink(Slab*& list, Slab* slab) noexcept
{
    if (slab->next != nullptr) slab->next->previous = slab->previous;
    (slab->previous != nullptr ? slab->previous->next : list) = slab->next;
}

SlabResource::Slab* SlabResource::open_slab(std::size_t step) noexcept
{
    Slab* slab = empty_;
    if (slab != nullptr) {
        empty_ = slab->next;
        --empty_count_;
    } else {
        void* const memory = upstream_.try_allocate(slab_size_, slab_size_);
        if (memory == nullptr) return nullptr;
        slab = ::new (memory) Slab();
        detail::poison(slab + 1, slab_size_ - sizeof(Slab));
        ++slabs_;
        statistics_.reserved += slab_size_;
        statistics_.peak_reserved = std::max(statistics_.peak_reserved, statistics_.reserved);
    }
    slab->enter(step, slab_size_);
    link(bins_[step].open, slab);
    return slab;
}

void* SlabResource::do_allocate(std::size_t bytes, std::size_t alignment)
{
    void* const block = do_try_allocate(detail::at_least_one(bytes), alignment);
    if (block == nullptr) [[unlikely]]
        throw_bad_alloc();
    return block;
}

void* SlabResource::do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept
{
    const std::size_t step = step_for(bytes, alignment);
    if (step == kSizes || watched_ != nullptr) [[unlikely]]
        return allocate_large(bytes, alignment);
    Bin& bin = bins_[step];
    Slab* const slab = bin.open != nullptr ? bin.open : open_slab(step);
    if (slab == nullptr) [[unlikely]] {
        ++statistics_.failures;
        return nullptr;
    }
    void* const block = slab->pop();
    if (slab->is_full()) {
        unlink(bin.open, slab);
        link(bin.full, slab);
    }
    ++statistics_.allocations;
    statistics_.in_use += slab->size;
    statistics_.peak_in_use = std::max(statistics_.peak_in_use, statistics_.in_use);
    return block;
}

// Also what a checked resource allocates.
void* SlabResource::allocate_large(std::size_t bytes, std::size_t alignment) noexcept
{
    if (watched_ != nullptr) return watched_->try_allocate(bytes, alignment);
    void* const block = detail::is_serviceable(bytes, alignment)
                            ? upstream_.try_allocate(bytes, alignment)
                            : nullptr;
    if (block == nullptr) {
        ++statistics_.failures;
        return nullptr;
    }
    ++statistics_.allocations;
    large_bytes_ += bytes;
    statistics_.in_use += bytes;
    statistics_.reserved += bytes;
    statistics_.peak_in_use = std::max(statistics_.peak_in_use, statistics_.in_use);
    statistics_.peak_reserved = std::max(statistics_.peak_reserved, statistics_.reserved);
    return block;
}

void SlabResource::do_deallocate(void* block, std::size_t bytes, std::size_t alignment)
{
    if (block == nullptr) return;
    bytes = detail::at_least_one(bytes);
    if (watched_ != nullptr) {
        watched_->deallocate(block, bytes, alignment);
        return;
    }
    ++statistics_.deallocations;
    if (bytes > largest_ || alignment > largest_) {
        large_bytes_ -= bytes;
        statistics_.in_use -= bytes;
        statistics_.reserved -= bytes;
        return upstream_.deallocate(block, bytes, alignment);
    }
    Slab* const slab = slab_of(block);
    Bin& bin = bins_[slab->step];
    if (slab->is_full()) {
        unlink(bin.full, slab);
        link(bin.open, slab);
    }
    slab->push(block);
    statistics_.in_use -= slab->size;
    // The one in use stays: its next block may come at once.
    if (slab->live == 0 && (bin.open != slab || slab->next != nullptr)) retire(slab);
}

void SlabResource::retire(Slab* slab)
{
    unlink(bins_[slab->step].open, slab);
    slab->next = nullptr;
    if (empty_count_ == keep_) return give_back(slab);
    slab->next = std::exchange(empty_, slab);
    ++empty_count_;
}

void SlabResource::give_back(Slab* list)
{
    while (list != nullptr) {
        Slab* const slab = std::exchange(list, list->next);
        --slabs_;
        statistics_.deallocations += slab->live; // of blocks that go with it
        statistics_.reserved -= slab_size_;
        detail::unpoison(slab, slab_size_);
        upstream_.deallocate(slab, slab_size_, slab_size_);
    }
}

void SlabResource::release()
{
    if (watched_ != nullptr) watched_->release();
    for (Bin& bin : bins_) {
        give_back(std::exchange(bin.open, nullptr));
        give_back(std::exchange(bin.full, nullptr));
    }
    give_back(std::exchange(empty_, nullptr));
    empty_count_ = 0;
    statistics_.in_use = large_bytes_;
}

bool SlabResource::contains(const Slab* list, const Slab* slab) noexcept
{
    while (list != nullptr && list != slab)
        list = list->next;
    return list != nullptr;
}

bool SlabResource::do_owns(const void* address) const noexcept
{
    if (watched_ != nullptr) return watched_->owns(address);
    const Slab* const slab = slab_of(address);
    return std::any_of(bins_.begin(), bins_.end(), [&](const Bin& bin) {
        return contains(bin.open, slab) || contains(bin.full, slab);
    });
}

ResourceStatistics SlabResource::do_statistics() const
{
    return watched_ != nullptr ? watched_->statistics() : statistics_;
}

} // namespace tarn
