// SPDX-License-Identifier: MIT
#include <algorithm>
#include <new>
#include <utility>

#include <tarn/stack_resource.h>

#include "src/base/units.h"
#include "src/resources/block_ledger.h"
#include "src/resources/sanitizer.h"

namespace tarn {

namespace detail {

StackMemory::StackMemory(std::size_t bytes, std::pmr::memory_resource* resource)
    : upstream(resource), capacity(bytes & ~(alignof(std::max_align_t) - 1))
{}

StackMemory::~StackMemory()
{
    if (begin == 0) return;
    auto* const memory = reinterpret_cast<void*>(begin);
    unpoison(memory, capacity);
    upstream.deallocate(memory, capacity, alignof(std::max_align_t));
}

bool StackMemory::ensure() noexcept
{
    if (begin != 0) return true;
    void* const memory =
        capacity != 0 ? upstream.try_allocate(capacity, alignof(std::max_align_t)) : nullptr;
    if (memory == nullptr) return false;
    poison(memory, capacity);
    begin = low = reinterpret_cast<std::uintptr_t>(memory);
    high = begin + capacity;
    return true;
}

} // namespace detail

StackResource::StackResource(const Options& options, std::pmr::memory_resource* upstream)
    : StackResource(options, std::make_shared<detail::StackMemory>(options.capacity, upstream),
                    End::low)
{}

StackResource::StackResource(const Options& options, std::shared_ptr<detail::StackMemory> memory,
                             End end)
    : Resource(options.name), memory_(std::move(memory)),
      is_fast_(end == End::low && !options.checked && !detail::has_address_sanitizer()), end_(end),
      gap_(options.checked || detail::has_address_sanitizer() ? detail::kRedzone : 0),
      ledger_(options.checked ? std::make_unique<detail::BlockLedger>(options.name) : nullptr)
{
    memory_->ledgers[static_cast<std::size_t>(end_)] = ledger_.get();
}

StackResource::~StackResource()
{
    reset();
    memory_->ledgers[static_cast<std::size_t>(end_)] = nullptr;
}

// Where the next block begins; 0: there is no room.
std::uintptr_t StackResource::place(std::size_t bytes, std::size_t alignment) const noexcept
{
    const std::size_t strictest = std::max(alignment, alignof(Head));
    const std::size_t room = memory_->high - memory_->low;
    if (bytes + gap_ + sizeof(Head) > room) return 0;
    if (end_ == End::low) {
        const std::uintptr_t start = round_up(memory_->low + sizeof(Head), strictest);
        return start <= memory_->high && bytes + gap_ <= memory_->high - start ? start : 0;
    }
    const std::uintptr_t start = (memory_->high - bytes - gap_) & ~(strictest - 1);
    return start >= memory_->low + sizeof(Head) ? start : 0;
}

void* StackResource::allocate_slowly(std::size_t bytes, std::size_t alignment) noexcept
{
    const std::uintptr_t start =
        detail::is_serviceable(bytes, alignment) && memory_->ensure() ? place(bytes, alignment) : 0;
    auto* const block = reinterpret_cast<std::byte*>(start);
    if (start != 0) {
        detail::unpoison(block - sizeof(Head), sizeof(Head) + bytes);
        if (ledger_ == nullptr || ledger_->add(block, bytes, alignment, sizeof(Head))) {
            // What the other end gave back there is its no more.
            auto* const others = memory_->ledgers[static_cast<std::size_t>(end_ == End::low)];
            if (others != nullptr)
                others->forget(block - sizeof(Head), sizeof(Head) + bytes + gap_);
            ::new (static_cast<void*>(block - sizeof(Head))) Head{top(), last_};
            top() = end_ == End::low ? start + bytes + gap_ : start - sizeof(Head);
            last_ = start;
            ++depth_;
            return block;
        }
    }
    ++failures_;
    return nullptr;
}

// The size of a block at the high end is not known, but what it took.
bool StackResource::is_last(const void* block, std::size_t bytes) const
{
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    if (address != last_) {
        report_misuse(
            {do_owns(block) ? Misuse::out_of_order : Misuse::not_owned, name(), block, bytes});
        return false;
    }
    if (end_ == End::low && address + bytes + gap_ != top()) {
        report_misuse({Misuse::wrong_size, name(), block, bytes, top() - gap_ - address});
        return false;
    }
    return true;
}

void StackResource::deallocate_slowly(void* block, std::size_t bytes, std::size_t alignment)
{
    if (block == nullptr) return;
    if (ledger_ != nullptr && !ledger_->verify(block, bytes, alignment)) return;
    if (!is_last(block, bytes)) return;
    if (ledger_ != nullptr) ledger_->remove(block, bytes, alignment);
    const Head head = *(static_cast<const Head*>(block) - 1);
    ++deallocations_;
    pop_to(head.top, head.last, depth_ - 1);
}

void StackResource::pop_to(std::uintptr_t to, std::uintptr_t last, std::uint64_t depth) noexcept
{
    peak_ = std::max(peak_, used(top()));
    const std::uintptr_t from = std::exchange(top(), to);
    last_ = last;
    depth_ = depth;
    detail::poison(reinterpret_cast<void*>(std::min(from, to)),
                   std::max(from, to) - std::min(from, to));
}

StackResource::Mark StackResource::mark()
{
    Mark mark;
    mark.owner_ = this;
    mark.top_ = memory_->begin != 0 ? top() : 0;
    mark.last_ = last_;
    mark.depth_ = depth_;
    mark.blocks_ = ledger_ != nullptr ? ledger_->next_number() : 0;
    mark.number_ = ledger_ != nullptr ? ledger_->mark() : 0;
    return mark;
}

void StackResource::release(const Mark& mark)
{
    if (mark.owner_ != this) return report_misuse({Misuse::not_owned, name(), &mark});
    if (memory_->begin == 0) return;
    const std::uintptr_t to = mark.top_ != 0 ? mark.top_ : empty_top();
    if (mark.depth_ > depth_ || used(to) > used(top()))
        return report_misuse({Misuse::out_of_order, name(), &mark});
    if (ledger_ != nullptr) {
        if (!ledger_->return_to(mark.number_)) return;
        ledger_->remove_since(mark.blocks_);
    }
    deallocations_ += depth_ - mark.depth_;
    pop_to(to, mark.last_, mark.depth_);
}

void StackResource::reset()
{
    if (memory_->begin == 0) return;
    if (ledger_ != nullptr) {
        ledger_->remove_since(0);
        ledger_->unmark(0);
    }
    deallocations_ += depth_;
    pop_to(empty_top(), 0, 0);
}

bool StackResource::do_owns(const void* address) const noexcept
{
    const auto number = reinterpret_cast<std::uintptr_t>(address);
    const std::uintptr_t begin = memory_->begin;
    if (begin == 0) return false;
    return end_ == End::low ? number >= begin && number < memory_->low
                            : number >= memory_->high && number < begin + memory_->capacity;
}

ResourceStatistics StackResource::do_statistics() const
{
    const std::size_t reserved = memory_->begin != 0 ? memory_->capacity : 0;
    const std::size_t in_use = memory_->begin != 0 ? used(top()) : 0;
    const std::size_t peak = peak_top_ != 0 ? peak_top_ - memory_->begin : 0;
    return {
        .allocations = deallocations_ + depth_,
        .deallocations = deallocations_,
        .failures = failures_,
        .in_use = in_use,
        .peak_in_use = std::max({peak_, peak, in_use}),
        .reserved = reserved,
        .peak_reserved = reserved,
    };
}

DoubleEndedStack::DoubleEndedStack(const StackOptions& options, std::pmr::memory_resource* upstream)
    : DoubleEndedStack(options, std::make_shared<detail::StackMemory>(options.capacity, upstream))
{}

DoubleEndedStack::DoubleEndedStack(const StackOptions& options,
                                   const std::shared_ptr<detail::StackMemory>& memory)
    : low_(options, memory, StackResource::End::low),
      high_(options, memory, StackResource::End::high)
{}

StackScope::~StackScope()
{
    stack_.release(mark_);
    if (stack_.ledger_ != nullptr) stack_.ledger_->unmark(mark_.number_);
}

} // namespace tarn
