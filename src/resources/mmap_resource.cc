// SPDX-License-Identifier: MIT
#include <algorithm>

#include <tarn/mmap_resource.h>

#include "src/base/units.h"
#include "src/os/memory.h"
#include "src/resources/block_ledger.h"
#include "src/resources/sanitizer.h"

namespace tarn {

MmapResource::MmapResource(const Options& options)
    : BumpResource(options.name),
      step_(round_up(std::clamp<std::size_t>(options.step, 1, GiB(1)), os::kPageSize)),
      gap_(options.checked || detail::has_address_sanitizer() ? detail::kRedzone : 0),
      huge_(options.huge),
      ledger_(options.checked ? std::make_unique<detail::BlockLedger>(options.name) : nullptr)
{
    const std::size_t size =
        round_up(std::min(options.reserve, detail::kMaxRequest), os::kPageSize);
    begin_ = reinterpret_cast<std::uintptr_t>(
        os::reserve(size, huge_ ? os::kHugePageSize : os::kPageSize));
    cursor_ = high_ = committed_ = begin_;
    limit_ = begin_ != 0 ? begin_ + size : 0;
}

MmapResource::~MmapResource()
{
    if (begin_ == 0) return;
    release();
    os::unmap(reinterpret_cast<void*>(begin_), limit_ - begin_);
}

bool MmapResource::commit_to(std::uintptr_t end) noexcept
{
    if (end <= committed_) return true;
    const std::size_t size = std::min(round_up(end - committed_, step_), limit_ - committed_);
    auto* const start = reinterpret_cast<void*>(committed_);
    if (!os::commit(start, size)) return false;
    if (huge_) os::advise_huge_pages(start, size, os::HugePages::wanted);
    detail::poison(start, size);
    committed_ += size;
    set_end();
    peak_committed_ = std::max(peak_committed_, committed_ - begin_);
    return true;
}

void* MmapResource::allocate_slowly(std::size_t bytes, std::size_t alignment)
{
    if (bytes == 0) return try_allocate(1, alignment);
    const std::uintptr_t start = place(bytes, alignment);
    auto* const block = reinterpret_cast<void*>(start);
    if (start != 0) detail::unpoison(block, bytes);
    if (start == 0 || (ledger_ != nullptr && !ledger_->add(block, bytes, alignment))) {
        ++failures_;
        return nullptr;
    }
    cursor_ = start + bytes + gap_;
    ++allocations_;
    return block;
}

// Where the next block begins, with memory behind it; 0: there is no room.
std::uintptr_t MmapResource::place(std::size_t bytes, std::size_t alignment) noexcept
{
    if (!detail::is_serviceable(bytes, alignment)) return 0;
    const std::uintptr_t start =
        round_up(cursor_, std::max<std::size_t>(alignment, gap_ != 0 ? 8 : 1));
    if (start > limit_ || bytes + gap_ > limit_ - start) return 0;
    return commit_to(start + bytes + gap_) ? start : 0;
}

void MmapResource::do_deallocate(void* block, std::size_t bytes, std::size_t alignment)
{
    if (block == nullptr) return;
    bytes = detail::at_least_one(bytes);
    if (ledger_ != nullptr && !ledger_->remove(block, bytes, alignment)) return;
    detail::poison(block, bytes);
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    if (address + bytes + gap_ != cursor_) return;
    retreat(address);
}

bool MmapResource::try_resize(void* block, std::size_t bytes, std::size_t new_bytes) noexcept
{
    bytes = detail::at_least_one(bytes);
    new_bytes = detail::at_least_one(new_bytes);
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    if (ledger_ != nullptr || begin_ == 0 || address + bytes + gap_ != cursor_) return false;
    const std::size_t room = limit_ - address;
    if (new_bytes > room || gap_ > room - new_bytes) return false;
    if (!commit_to(address + new_bytes + gap_)) return false;
    move_cursor(address + new_bytes + gap_);
    detail::poison(block, std::max(bytes, new_bytes));
    detail::unpoison(block, new_bytes);
    return true;
}

void MmapResource::reset(std::size_t keep)
{
    if (begin_ == 0) return;
    if (ledger_ != nullptr) ledger_->remove_since(0);
    const std::size_t kept = std::min(committed_ - begin_, keep & ~(os::kPageSize - 1));
    move_cursor(begin_);
    const std::uintptr_t end = begin_ + kept;
    if (committed_ != end) {
        auto* const start = reinterpret_cast<void*>(end);
        if (ledger_ != nullptr) ledger_->forget(start, committed_ - end);
        detail::unpoison(start, committed_ - end);
        os::forbid(start, committed_ - end);
        committed_ = end;
        set_end();
    }
    detail::poison(reinterpret_cast<void*>(begin_), kept);
}

ResourceStatistics MmapResource::do_statistics() const
{
    return {
        .allocations = allocations_,
        .deallocations = deallocations_,
        .failures = failures_,
        .in_use = cursor_ - begin_,
        .peak_in_use = std::max(high_, cursor_) - begin_,
        .reserved = committed_ - begin_,
        .peak_reserved = peak_committed_,
    };
}

} // namespace tarn
