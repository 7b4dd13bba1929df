// SPDX-License-Identifier: MIT
//
// Chunks and blocks of their own: what an arena takes from upstream, and when.

#include <algorithm>
#include <utility>

#include <tarn/arena_resource.h>

#include "src/base/units.h"
#include "src/resources/arena_resource_parts.h"
#include "src/resources/block_ledger.h"
#include "src/resources/sanitizer.h"

namespace tarn {

namespace {

/// Where a block of that alignment would begin in a chunk that is new.
std::uintptr_t first_block(std::uintptr_t begin, std::size_t alignment)
{
    return round_up(begin, std::max<std::size_t>(alignment, alignof(std::max_align_t)));
}

} // namespace

// The next chunk that was kept, or a new one; it has the room. False: the request wants a block of
// its own, or there is no memory.
bool ArenaResource::enter_chunk_for(std::size_t bytes, std::size_t alignment) noexcept
{
    const std::size_t needed = bytes + gap_ + std::max(alignment, sizeof(Chunk)) + sizeof(Chunk);
    Chunk* const kept = current_ != nullptr ? current_->next : nullptr;
    if (kept != nullptr) {
        const std::uintptr_t start = first_block(kept->begin(), alignment);
        if (start > kept->end() || bytes + gap_ > kept->end() - start) return false;
        enter(kept, kept->begin());
        return true;
    }
    Chunk* const chunk = new_chunk(needed);
    if (chunk == nullptr) return false;
    if (current_ != nullptr) {
        current_->next = chunk;
        chunk->number = current_->number + 1;
    } else {
        first_ = chunk;
    }
    enter(chunk, chunk->begin());
    return true;
}

std::size_t ArenaResource::next_chunk_size() const noexcept
{
    if (current_ == nullptr) return growth_.first;
    if (growth_.percent == 0) return 0;
    const std::size_t grown =
        current_->size / 100 * growth_.percent + current_->size % 100 * growth_.percent / 100;
    // Whole cache lines, but never more than asked for.
    return std::max(growth_.first, std::min(grown & ~std::size_t{63}, growth_.most));
}

// Errors: nullptr, also if what is needed would leave too much of the chunk before unused.
ArenaResource::Chunk* ArenaResource::new_chunk(std::size_t needed) noexcept
{
    const std::size_t left = limit_ - std::min(limit_, reserved_);
    const std::size_t wanted = next_chunk_size();
    const std::size_t size = std::min(wanted, left);
    const bool is_only_one = growth_.percent == 0;
    // The head and the padding may be less than reckoned with: a fixed arena is used to its end.
    if (is_only_one ? size <= sizeof(Chunk) : needed > size) return nullptr;
    if (!is_only_one && current_ != nullptr && needed > wanted / 4 && size == wanted)
        return nullptr;
    void* const memory = take(size, alignof(Chunk));
    if (memory == nullptr) return nullptr;
    auto* const chunk = ::new (memory) Chunk{nullptr, size, 0, 0};
    detail::poison(chunk + 1, size - sizeof(Chunk));
    return chunk;
}

void* ArenaResource::allocate_large(std::size_t bytes, std::size_t alignment) noexcept
{
    if (growth_.percent == 0) return nullptr;
    const std::size_t strictest = std::max(alignment, alignof(Large));
    const std::size_t head = round_up(sizeof(Large), strictest);
    const std::size_t size = head + bytes + gap_;
    auto* const memory = static_cast<std::byte*>(take(size, strictest));
    if (memory == nullptr) return nullptr;
    large_ = ::new (memory) Large{large_, size, strictest, head, bytes, ++large_count_};
    used_large_ += bytes;
    detail::poison(memory + head, bytes + gap_);
    void* const block = hand_out(large_->block(), bytes, alignment);
    if (block == nullptr) drop_large();
    return block;
}

void ArenaResource::drop_large()
{
    Large* const dropped = std::exchange(large_, large_->older);
    used_large_ -= dropped->bytes;
    give_back(dropped, dropped->size, dropped->alignment);
}

// Keeps the first chunks: they are the ones that a reset begins with again.
void ArenaResource::drop_chunks(std::size_t keep)
{
    Chunk** link = &first_;
    while (*link != nullptr && (*link)->size <= keep) {
        keep -= (*link)->size;
        link = &(*link)->next;
    }
    Chunk* dropped = *link;
    *link = nullptr;
    while (dropped != nullptr) {
        Chunk* const next = dropped->next;
        give_back(dropped, dropped->size, alignof(Chunk));
        dropped = next;
    }
}

void ArenaResource::enter(Chunk* chunk, std::uintptr_t cursor) noexcept
{
    if (current_ != nullptr && chunk == current_->next) {
        note_peak();
        current_->used = cursor_ - current_->begin();
        used_before_ += current_->used;
        wasted_before_ += current_->end() - cursor_;
    }
    current_ = chunk;
    cursor_ = high_ = cursor;
    end_ = is_watched() ? 0 : chunk->end();
}

void ArenaResource::note_peak() noexcept
{
    peak_ = do_statistics().peak_in_use;
}

bool ArenaResource::reserve(std::size_t bytes) noexcept
{
    if (!detail::is_serviceable(bytes, 1)) return false;
    if (current_ != nullptr && bytes <= current_->end() - cursor_) return true;
    if (growth_.percent == 0 || (current_ != nullptr && current_->next != nullptr))
        return enter_chunk_for(bytes, alignof(std::max_align_t));
    // As large as it has to be, whatever the growth says.
    const Growth growth = std::exchange(
        growth_, Growth::fixed(std::max(next_chunk_size(), bytes + gap_ + 2 * sizeof(Chunk))));
    const std::size_t size = growth_.first;
    growth_ = {size, 100, size};
    const bool is_done = enter_chunk_for(1, 1);
    growth_ = growth;
    return is_done;
}

void ArenaResource::reset_and_merge(std::size_t keep)
{
    const std::size_t taken = most_reserved_;
    // A block of its own may have gone back already: the next round takes one again.
    const bool is_one_chunk = large_count_ == large_count_before_ && current_ == first_;
    if (is_one_chunk || taken > keep || growth_.percent == 0) return reset(keep);
    release();
    // The heads that it took count, so that this never is more than it was.
    static_cast<void>(reserve(taken - std::min(taken, gap_ + 2 * sizeof(Chunk))));
}

void* ArenaResource::take(std::size_t bytes, std::size_t alignment) noexcept
{
    if (bytes > limit_ - std::min(limit_, reserved_)) return nullptr;
    void* const memory = upstream_.try_allocate(bytes, alignment);
    if (memory == nullptr) return nullptr;
    reserved_ += bytes;
    peak_reserved_ = std::max(peak_reserved_, reserved_);
    most_reserved_ = std::max(most_reserved_, reserved_);
    return memory;
}

void ArenaResource::give_back(void* memory, std::size_t bytes, std::size_t alignment)
{
    if (ledger_ != nullptr) ledger_->forget(memory, bytes);
    detail::unpoison(memory, bytes);
    reserved_ -= bytes;
    upstream_.deallocate(memory, bytes, alignment);
}

} // namespace tarn
