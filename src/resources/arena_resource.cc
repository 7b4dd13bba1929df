// SPDX-License-Identifier: MIT
#include <algorithm>
#include <utility>

#include <tarn/arena_resource.h>

#include "src/base/units.h"
#include "src/resources/arena_resource_parts.h"
#include "src/resources/block_ledger.h"
#include "src/resources/sanitizer.h"

namespace tarn {

ArenaResource::ArenaResource(const Options& options, std::pmr::memory_resource* upstream)
    : BumpResource(options.name),
      gap_(options.checked || detail::has_address_sanitizer() ? detail::kRedzone : 0),
      upstream_(upstream),
      ledger_(options.checked ? std::make_unique<detail::BlockLedger>(options.name) : nullptr),
      growth_(options.growth), limit_(options.limit)
{}

ArenaResource::~ArenaResource()
{
    release();
}

// What the fast path cannot do: watched blocks, the next chunk, blocks of their own.
void* ArenaResource::allocate_slowly(std::size_t bytes, std::size_t alignment)
{
    if (bytes == 0) return try_allocate(1, alignment);
    void* block = nullptr;
    if (detail::is_serviceable(bytes, alignment)) {
        if (is_watched()) block = bump_watched(bytes, alignment);
        if (block == nullptr && enter_chunk_for(bytes, alignment))
            block = is_watched() ? bump_watched(bytes, alignment)
                                 : bump<&ArenaResource::refuse>(bytes, alignment);
        else if (block == nullptr)
            block = allocate_large(bytes, alignment);
    }
    if (block == nullptr) ++failures_;
    return block;
}

void* ArenaResource::bump_watched(std::size_t bytes, std::size_t alignment) noexcept
{
    if (current_ == nullptr) return nullptr;
    // ASan tells bytes apart only within granules that begin with the block.
    const std::uintptr_t start = round_up(cursor_, std::max<std::size_t>(alignment, 8));
    const std::uintptr_t end = current_->end();
    if (start > end || bytes + gap_ > end - start) return nullptr;
    cursor_ = start + bytes + gap_;
    return hand_out(start, bytes, alignment);
}

void* ArenaResource::hand_out(std::uintptr_t start, std::size_t bytes,
                              std::size_t alignment) noexcept
{
    auto* const block = reinterpret_cast<void*>(start);
    detail::unpoison(block, bytes);
    if (ledger_ != nullptr && !ledger_->add(block, bytes, alignment)) return nullptr;
    ++allocations_;
    return block;
}

void ArenaResource::deallocate_slowly(void* block, std::size_t bytes, std::size_t alignment)
{
    if (block == nullptr) return;
    if (ledger_ != nullptr && !ledger_->remove(block, bytes, alignment)) return;
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    if (large_ != nullptr && large_->block() == address) {
        note_peak();
        ++deallocations_;
        drop_large();
        return;
    }
    detail::poison(block, bytes);
    if (address + bytes + gap_ != cursor_) return;
    retreat(address);
}

bool ArenaResource::try_resize(void* block, std::size_t bytes, std::size_t new_bytes) noexcept
{
    bytes = detail::at_least_one(bytes);
    new_bytes = detail::at_least_one(new_bytes);
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    // In a checked arena a block has the size that was asked for, to its end.
    if (ledger_ != nullptr || current_ == nullptr || address + bytes + gap_ != cursor_)
        return false;
    const std::size_t room = current_->end() - address;
    if (new_bytes > room || gap_ > room - new_bytes) return false;
    move_cursor(address + new_bytes + gap_);
    detail::poison(block, std::max(bytes, new_bytes));
    detail::unpoison(block, new_bytes);
    return true;
}

void ArenaResource::reset(std::size_t keep)
{
    note_peak();
    run_finalizers(nullptr);
    if (ledger_ != nullptr) {
        ledger_->remove_since(0);
        ledger_->unmark(0);
    }
    ++resets_;
    while (large_ != nullptr)
        drop_large();
    drop_chunks(keep);
    used_before_ = wasted_before_ = 0;
    large_count_before_ = large_count_;
    most_reserved_ = reserved_;
    current_ = nullptr;
    cursor_ = end_ = high_ = 0;
    if (first_ == nullptr) return;
    if (detail::has_address_sanitizer())
        for (const Chunk* chunk = first_; chunk != nullptr; chunk = chunk->next)
            detail::poison(chunk + 1, chunk->size - sizeof(Chunk));
    enter(first_, first_->begin());
}

ArenaResource::Point ArenaResource::point() const noexcept
{
    return {current_, cursor_, large_count_, ledger_ != nullptr ? ledger_->next_number() : 0,
            finalizers_};
}

ArenaResource::Mark ArenaResource::mark()
{
    Mark mark;
    mark.owner_ = this;
    mark.point_ = point();
    mark.resets_ = resets_;
    mark.number_ = ledger_ != nullptr ? ledger_->mark() : 0;
    return mark;
}

void ArenaResource::rewind(const Mark& mark)
{
    if (mark.owner_ != this) return report_misuse({Misuse::not_owned, name(), &mark});
    if (mark.resets_ != resets_) return report_misuse({Misuse::out_of_order, name(), &mark});
    if (ledger_ != nullptr && !ledger_->return_to(mark.number_)) return;
    rewind_to(mark.point_);
}

void ArenaResource::rewind_to(const Point& point)
{
    note_peak();
    run_finalizers(point.finalizers);
    if (ledger_ != nullptr) ledger_->remove_since(point.blocks);
    while (large_ != nullptr && large_->number > point.large)
        drop_large();
    Chunk* const chunk = point.chunk != nullptr ? point.chunk : first_;
    if (chunk == nullptr) return;
    const std::uintptr_t cursor = point.chunk != nullptr ? point.cursor : chunk->begin();
    for (const Chunk* left = chunk; left != current_; left = left->next) {
        used_before_ -= left->used;
        wasted_before_ -= left->size - sizeof(Chunk) - left->used;
        detail::poison(left->next + 1, left->next->size - sizeof(Chunk));
    }
    // The block in front of the mark may have been given back meanwhile.
    const bool is_behind = chunk == current_ && cursor_ < cursor;
    const std::uintptr_t end = chunk->end();
    enter(chunk, is_behind ? cursor_ : cursor);
    detail::poison(reinterpret_cast<void*>(cursor_), end - cursor_);
}

void ArenaResource::run_finalizers(const Finalizer* until) noexcept
{
    while (finalizers_ != nullptr && finalizers_ != until) {
        const Finalizer* const finalizer = std::exchange(finalizers_, finalizers_->older);
        finalizer->destroy(finalizer->objects, finalizer->count);
    }
}

ArenaScope::~ArenaScope()
{
    arena_.rewind(mark_);
    if (arena_.ledger_ != nullptr) arena_.ledger_->unmark(mark_.number_);
}

bool ArenaResource::do_owns(const void* address) const noexcept
{
    const auto number = reinterpret_cast<std::uintptr_t>(address);
    for (const Chunk* chunk = first_; chunk != nullptr; chunk = chunk->next)
        if (number >= chunk->begin() && number < chunk->end()) return true;
    for (const Large* large = large_; large != nullptr; large = large->older)
        if (number >= large->block() && number - large->block() < large->bytes) return true;
    return false;
}

ResourceStatistics ArenaResource::do_statistics() const
{
    const std::size_t here = current_ != nullptr ? cursor_ - current_->begin() : 0;
    const std::size_t most = current_ != nullptr ? std::max(high_, cursor_) - current_->begin() : 0;
    return {
        .allocations = allocations_,
        .deallocations = deallocations_,
        .failures = failures_,
        .in_use = used_before_ + here + used_large_,
        .peak_in_use = std::max(peak_, used_before_ + most + used_large_),
        .reserved = reserved_,
        .peak_reserved = peak_reserved_,
        .wasted = wasted_before_,
    };
}

} // namespace tarn
