// SPDX-License-Identifier: MIT
#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

#include <tarn/fixed_pool_resource.h>

#include "src/base/units.h"
#include "src/resources/block_ledger.h"
#include "src/resources/sanitizer.h"

namespace tarn {

/// Heads the memory of a slab, at its very beginning, so that who looks for leaks finds it.
struct FixedPoolResource::Slab {
    Slab* older;
    std::size_t size;   // of the memory
    std::size_t blocks; // that fit
};

/// Free blocks lie in a list beside them, since nobody may touch them, and what is known of each.
struct FixedPoolResource::Watch {
    std::vector<void*> free; // room for all blocks
    std::unique_ptr<detail::BlockLedger> ledger;
    std::uintptr_t next = 0; // to be carved
    std::uintptr_t end = 0;
};

namespace {

void validate(const FixedPoolOptions& options)
{
    const bool is_valid = options.block_size != 0 && options.blocks != 0 &&
                          detail::is_serviceable(options.block_size, options.alignment) &&
                          options.blocks <= detail::kMaxRequest / 4 / options.block_size &&
                          options.blocks <= detail::kMaxRequest / 4 / options.alignment;
    if (!is_valid) throw std::invalid_argument("tarn::FixedPoolResource: size, alignment, count");
}

} // namespace

FixedPoolResource::FixedPoolResource(const Options& options, std::pmr::memory_resource* upstream)
    : Resource(options.name), block_size_(options.block_size),
      alignment_(std::max(options.alignment, alignof(Node))),
      stride_(round_up(std::max(options.block_size, sizeof(Node)), alignment_)),
      blocks_(options.blocks), when_exhausted_(options.when_exhausted), upstream_(upstream)
{
    validate(options);
    if (!options.checked && !detail::has_address_sanitizer()) return;
    watch_ = std::make_unique<Watch>();
    if (options.checked) watch_->ledger = std::make_unique<detail::BlockLedger>(options.name);
    stride_ = round_up(block_size_ + detail::kRedzone, alignment_);
    looks_closer_ = true;
}

FixedPoolResource::~FixedPoolResource()
{
    release();
}

void FixedPoolResource::forget_blocks()
{
    peak_before_ = std::max(peak_before_, carved());
    carved_before_ += carved();
    if (watch_ != nullptr) {
        if (watch_->ledger != nullptr) watch_->ledger->check();
        watch_->free.clear();
        watch_->next = watch_->end = 0;
    }
    free_ = nullptr;
    next_ = end_ = 0;
}

void FixedPoolResource::drop(Slab* slab)
{
    if (watch_ != nullptr && watch_->ledger != nullptr) watch_->ledger->forget(slab, slab->size);
    detail::unpoison(slab, slab->size);
    capacity_ -= slab->blocks;
    reserved_ -= slab->size;
    upstream_.deallocate(slab, slab->size, std::max(alignment_, alignof(Slab)));
}

void FixedPoolResource::release()
{
    forget_blocks();
    while (slabs_ != nullptr)
        drop(std::exchange(slabs_, slabs_->older));
}

void FixedPoolResource::reset()
{
    forget_blocks();
    if (slabs_ == nullptr) return;
    Slab* older = std::exchange(slabs_->older, nullptr);
    while (older != nullptr)
        drop(std::exchange(older, older->older));
    if (watch_ != nullptr && watch_->ledger != nullptr)
        watch_->ledger->forget(slabs_, slabs_->size);
    carve(*slabs_);
}

std::uintptr_t FixedPoolResource::first_of(const Slab& slab) const noexcept
{
    return round_up(reinterpret_cast<std::uintptr_t>(&slab) + sizeof(Slab), alignment_);
}

bool FixedPoolResource::add_slab() noexcept
{
    if (slabs_ != nullptr && when_exhausted_ != Exhaustion::grow) return false;
    const std::size_t blocks = std::max(blocks_, capacity_);
    const std::size_t head = round_up(sizeof(Slab), alignment_);
    if (blocks > (detail::kMaxRequest - head) / stride_) return false;
    const std::size_t size = head + blocks * stride_;
    if (watch_ != nullptr) {
        try {
            watch_->free.reserve(capacity_ + blocks);
        } catch (const std::bad_alloc&) {
            return false;
        }
    }
    void* const memory = upstream_.try_allocate(size, std::max(alignment_, alignof(Slab)));
    if (memory == nullptr) return false;
    slabs_ = ::new (memory) Slab{slabs_, size, blocks};
    capacity_ += blocks;
    reserved_ += size;
    peak_reserved_ = std::max(peak_reserved_, reserved_);
    carve(*slabs_);
    return true;
}

// From now on, blocks are cut from its beginning.
void FixedPoolResource::carve(const Slab& slab) noexcept
{
    const std::uintptr_t first = first_of(slab);
    const std::uintptr_t end = first + slab.blocks * stride_;
    if (watch_ != nullptr) {
        watch_->next = first;
        watch_->end = end;
    } else {
        next_ = first;
        end_ = end;
    }
    detail::poison(reinterpret_cast<void*>(first), slab.blocks * stride_);
}

void* FixedPoolResource::allocate_slowly(std::size_t bytes, std::size_t alignment) noexcept
{
    bytes = detail::at_least_one(bytes);
    if (!detail::is_serviceable(bytes, alignment)) {
        ++failures_;
        return nullptr;
    }
    if (watch_ != nullptr) return allocate_watched(bytes, alignment);
    if (!add_slab()) return allocate_other(bytes, alignment);
    return pop();
}

void* FixedPoolResource::allocate_watched(std::size_t bytes, std::size_t alignment) noexcept
{
    if (watch_->free.empty() && watch_->next == watch_->end && !add_slab())
        return allocate_other(bytes, alignment);
    const bool is_fresh = watch_->free.empty();
    void* const block = is_fresh ? reinterpret_cast<void*>(watch_->next) : watch_->free.back();
    detail::unpoison(block, bytes);
    if (watch_->ledger != nullptr && !watch_->ledger->add(block, bytes, alignment)) {
        detail::poison(block, bytes);
        ++failures_;
        return nullptr;
    }
    if (is_fresh)
        watch_->next += stride_;
    else
        watch_->free.pop_back();
    ++allocations_;
    return block;
}

// Too large, too strict, or more than there are.
void* FixedPoolResource::allocate_other(std::size_t bytes, std::size_t alignment) noexcept
{
    bytes = detail::at_least_one(bytes);
    void* block = nullptr;
    if (when_exhausted_ == Exhaustion::upstream && detail::is_serviceable(bytes, alignment)) {
        detail::BlockLedger* const ledger = watch_ != nullptr ? watch_->ledger.get() : nullptr;
        const std::size_t gap = ledger != nullptr ? detail::kRedzone : 0;
        block = upstream_.try_allocate(bytes + gap, alignment);
        if (block != nullptr && ledger != nullptr && !ledger->add(block, bytes, alignment)) {
            upstream_.deallocate(block, bytes + gap, alignment);
            block = nullptr;
        }
    }
    if (block == nullptr) {
        ++failures_;
        return nullptr;
    }
    looks_closer_ = true; // from now on, not all blocks are of slabs
    ++allocations_;
    ++overflows_;
    overflow_bytes_ += bytes;
    return block;
}

const FixedPoolResource::Slab* FixedPoolResource::slab_of(const void* address) const noexcept
{
    const auto number = reinterpret_cast<std::uintptr_t>(address);
    for (const Slab* slab = slabs_; slab != nullptr; slab = slab->older) {
        const std::uintptr_t first = first_of(*slab);
        if (number >= first && number < first + slab->blocks * stride_) return slab;
    }
    return nullptr;
}

// The ledger tells the rest.
bool FixedPoolResource::is_misused(const void* block, const Slab& slab, std::size_t bytes,
                                   std::size_t alignment) const
{
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    const auto report = [&](Misuse kind, std::size_t said, std::size_t expected) {
        report_misuse({kind, name(), block, said, expected});
        return true;
    };
    if (bytes > block_size_) return report(Misuse::wrong_size, bytes, block_size_);
    if (alignment > alignment_) return report(Misuse::wrong_alignment, alignment, alignment_);
    if ((address - first_of(slab)) % stride_ != 0) return report(Misuse::misaligned, bytes, 0);
    if (&slab == slabs_ && address >= watch_->next) return report(Misuse::out_of_range, bytes, 0);
    return false;
}

// Of a watched pool, and of one that has passed requests on.
void FixedPoolResource::deallocate_slowly(void* block, std::size_t bytes, std::size_t alignment)
{
    if (block == nullptr) return;
    bytes = detail::at_least_one(bytes);
    const Slab* const slab = slab_of(block);
    if (slab == nullptr) return deallocate_other(block, bytes, alignment);
    if (watch_ == nullptr) return push(block);
    if (watch_->ledger != nullptr) {
        if (is_misused(block, *slab, bytes, alignment)) return;
        if (!watch_->ledger->remove(block, bytes, alignment)) return;
    }
    detail::poison(block, stride_);
    watch_->free.push_back(block);
}

void FixedPoolResource::deallocate_other(void* block, std::size_t bytes, std::size_t alignment)
{
    if (when_exhausted_ != Exhaustion::upstream)
        return report_misuse({Misuse::not_owned, name(), block, bytes});
    detail::BlockLedger* const ledger = watch_ != nullptr ? watch_->ledger.get() : nullptr;
    const std::size_t gap = ledger != nullptr ? detail::kRedzone : 0;
    if (ledger != nullptr) {
        if (!ledger->remove(block, bytes, alignment)) return;
        ledger->forget(block, bytes + gap);
        detail::unpoison(block, bytes);
    }
    ++overflows_returned_;
    overflow_bytes_ -= bytes;
    upstream_.deallocate(block, bytes + gap, alignment);
}

bool FixedPoolResource::try_allocate_batch(std::span<void*> blocks) noexcept
{
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        blocks[i] = try_allocate_block();
        if (blocks[i] != nullptr) continue;
        while (i > 0)
            deallocate_block(blocks[--i]);
        return false;
    }
    return true;
}

bool FixedPoolResource::do_owns(const void* address) const noexcept
{
    return slab_of(address) != nullptr;
}

// All slabs but the newest are carved entirely.
std::size_t FixedPoolResource::carved() const noexcept
{
    const std::size_t left = watch_ != nullptr ? watch_->end - watch_->next : end_ - next_;
    return capacity_ - left / stride_;
}

// Counted here, not by each block that comes back.
std::size_t FixedPoolResource::live_blocks() const noexcept
{
    std::size_t free = watch_ != nullptr ? watch_->free.size() : 0;
    for (const Node* node = free_; node != nullptr; node = node->next)
        ++free;
    return carved() - free;
}

double FixedPoolResource::hit_rate() const noexcept
{
    const auto requests = static_cast<double>(allocations_ + failures_);
    return requests == 0 ? 0 : static_cast<double>(reuses()) / requests;
}

ResourceStatistics FixedPoolResource::do_statistics() const
{
    const std::size_t live = live_blocks();
    return {
        .allocations = allocations_,
        .deallocations = allocations_ - overflows_ - live + overflows_returned_,
        .failures = failures_,
        .in_use = live * stride_ + overflow_bytes_,
        // Blocks are carved when none is free: there were never more.
        .peak_in_use = std::max(peak_before_, carved()) * stride_ + overflow_bytes_,
        .reserved = reserved_,
        .peak_reserved = peak_reserved_,
    };
}

} // namespace tarn
