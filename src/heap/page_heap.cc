// SPDX-License-Identifier: MIT

#include "src/heap/page_heap.h"

#include <algorithm>
#include <array>
#include <bit>

#include "src/base/assert.h"
#include "src/heap/pressure.h"
#include "src/heap/settings.h"
#include "src/os/process.h"

namespace tarn {

constinit PageHeap page_heap;

namespace {

/// From here on a heap is big enough for huge pages to pay, and for the waste of a partly filled
/// last chunk not to matter. Not earlier: a huge page costs a fifth of its 512 small ones where the
/// machine has had the memory before, but four times as much where a virtual machine has yet to
/// get it from its host (measured 2026-11-21: 0.3 against 2.2 us per 4 KiB, and 16 against 3.6).
constexpr std::size_t kHugeFrom = MiB(128);

/// Element n: the multiples of 2^n.
constexpr auto kAlignedStarts = [] {
    std::array<GranuleSet, std::countr_zero(kChunkGranules) + 1> starts;
    for (std::size_t shift = 0; shift < starts.size(); ++shift) {
        GranuleSet::Bits bits = 0;
        for (std::size_t at = 0; at < kChunkGranules; at += std::size_t{1} << shift)
            bits |= GranuleSet::Bits{1} << at;
        starts[shift] = GranuleSet(bits);
    }
    return starts;
}();

/// One of `starts`: the first behind a random place. Under the page heap's lock.
std::size_t random_start(GranuleSet starts)
{
    static constinit std::uint64_t random = 0;
    if (random == 0) random = os::random_number() | 1U;
    random = random * 6364136223846793005U + 1442695040888963407U; // Knuth's MMIX
    const GranuleSet behind = starts - GranuleSet::range(0, random >> 57U);
    return behind.empty() ? starts.first() : behind.first();
}

/// Where a run of `granules` starts, preferring memory that is still there; false: nowhere.
bool find_run(const Chunk& chunk, std::size_t granules, bool aligned, std::size_t& first)
{
    const int shift = aligned ? std::countr_zero(granules) : 0;
    const GranuleSet allowed = kAlignedStarts[static_cast<std::size_t>(shift)];
    GranuleSet starts = (chunk.free & chunk.dirty).run_starts(granules) & allowed;
    if (starts.empty()) starts = chunk.free.run_starts(granules) & allowed;
    if (starts.empty()) return false;
    first = starts.first();
    if (settings.scatters_slabs) [[unlikely]]
        first = random_start(starts);
    return true;
}

/// Bytes of `part`, which is often all of a run of `granules` or nothing: counting takes longer.
std::size_t size_of(GranuleSet part, GranuleSet run, std::size_t granules)
{
    if (part.empty()) return 0;
    return (part == run ? granules : part.count()) << kGranuleShift;
}

void advise(Chunk& chunk, std::size_t number, bool wants_huge)
{
    std::byte* const start = address_range.granule_address(number * kChunkGranules);
    if (settings.huge_pages && os::commit_huge(start, kChunkSize)) {
        chunk.locked_huge = true;
        return;
    }
    if (settings.thp == HugePageMode::off) {
        os::advise_huge_pages(start, kChunkSize, os::HugePages::never);
    } else if (wants_huge) {
        os::advise_huge_pages(start, kChunkSize, os::HugePages::wanted);
        chunk.huge = true;
    }
}

} // namespace

void PageHeap::enlist(Chunk& chunk, std::size_t longest)
{
    chunk.longest = static_cast<std::uint8_t>(longest);
    if (longest == 0) return;
    chunk.previous = nullptr;
    chunk.next = lists_[longest];
    if (chunk.next != nullptr) chunk.next->previous = &chunk;
    lists_[longest] = &chunk;
    nonempty_ = nonempty_ | GranuleSet::range(longest - 1, 1);
}

void PageHeap::delist(Chunk& chunk)
{
    if (chunk.longest == 0) return;
    (chunk.previous != nullptr ? chunk.previous->next : lists_[chunk.longest]) = chunk.next;
    if (chunk.next != nullptr) chunk.next->previous = chunk.previous;
    if (lists_[chunk.longest] == nullptr)
        nonempty_ = nonempty_ - GranuleSet::range(chunk.longest - 1U, 1);
}

void PageHeap::relist(Chunk& chunk, std::size_t longest)
{
    if (longest == chunk.longest) return;
    delist(chunk);
    enlist(chunk, longest);
}

/// Takes granules out of the free ones; `first` is one of them.
void PageHeap::take(Chunk& chunk, GranuleSet taken, std::size_t first)
{
    // What is taken from a shorter run leaves the longest one as it is.
    const bool from_longest = chunk.free.run_around(first) >= chunk.longest;
    chunk.free = chunk.free - taken;
    if (from_longest) relist(chunk, chunk.free.longest_run());
}

/// The reverse, of one run that starts with `first`.
void PageHeap::give(Chunk& chunk, GranuleSet given, std::size_t first)
{
    chunk.free = chunk.free | given;
    relist(chunk, std::max(chunk.free.run_around(first), std::size_t{chunk.longest}));
}

bool PageHeap::wants_huge_pages() const
{
    if (settings.thp == HugePageMode::always) return true;
    // Many threads with a few blocks in each of many slabs must not be given whole huge pages.
    const std::size_t used = used_.load(std::memory_order_relaxed);
    return settings.thp == HugePageMode::automatic && used >= kHugeFrom && dense_ >= used / 4 * 3;
}

Chunk* PageHeap::add_chunk()
{
    Chunk* const chunk = address_range.extend();
    if (chunk == nullptr) {
        pressure_counters.system.add();
        return nullptr;
    }
    advise(*chunk, address_range.chunk_number(*chunk), wants_huge_pages());
    chunk->free = GranuleSet::all();
    // The first granule of all is nobody's: its address is that of the range, which threads have in
    // a register inside malloc and free, so that a leak scan would find its first block reachable.
    if (address_range.chunk_number(*chunk) == 0)
        chunk->free = GranuleSet::range(1, kChunkGranules - 1);
    enlist(*chunk, chunk->free.longest_run());
    return chunk;
}

Chunk* PageHeap::find_chunk(std::size_t granules, bool aligned, std::size_t& first)
{
    GranuleSet lists = nonempty_ - GranuleSet::range(0, granules - 1);
    while (!lists.empty()) {
        const std::size_t longest = lists.first() + 1;
        // A free run of 2n - 1 holds an aligned one of n; a shorter one may, and two tries bound
        // the search.
        int tries = 2;
        for (Chunk* chunk = lists_[longest]; chunk != nullptr && tries > 0; chunk = chunk->next) {
            if (find_run(*chunk, granules, aligned, first)) return chunk;
            --tries;
        }
        lists = lists - GranuleSet::range(longest - 1, 1);
    }
    // The very first chunk has not room for everything.
    for (;;) {
        Chunk* const fresh = add_chunk();
        if (fresh == nullptr || find_run(*fresh, granules, aligned, first)) return fresh;
    }
}

Run PageHeap::allocate(std::size_t granules, Growth growth, std::size_t gap)
{
    const std::size_t size = granules << kGranuleShift;
    const std::size_t whole = granules + gap;
    const os::LockGuard guard(mutex_);
    std::size_t first = 0;
    Chunk* const chunk = find_chunk(whole, is_power_of_two(whole), first);
    if (chunk == nullptr) return {};
    const GranuleSet run = GranuleSet::range(first, whole);
    const GranuleSet dirty = run & chunk->dirty;
    take(*chunk, run, first);
    dirty_.store(dirty_.load(std::memory_order_relaxed) - size_of(dirty, run, whole),
                 std::memory_order_relaxed);
    if (growth == Growth::dense) dense_ += size;
    used_.store(used_.load(std::memory_order_relaxed) + size, std::memory_order_relaxed);
    return {.granule = address_range.chunk_number(*chunk) * kChunkGranules + first,
            .granules = granules,
            .known_zero = dirty.empty()};
}

void PageHeap::release(std::size_t granule, std::size_t granules, std::size_t touched,
                       Growth growth, std::size_t gap)
{
    const std::size_t size = granules << kGranuleShift;
    const std::uint64_t now = os::clock_milliseconds();
    {
        const os::LockGuard guard(mutex_);
        Chunk& chunk = address_range.chunk(granule / kChunkGranules);
        const std::size_t first = granule % kChunkGranules;
        const GranuleSet run = GranuleSet::range(first, granules + gap);
        TARN_ASSERT((chunk.free & run).empty());
        chunk.dirty = chunk.dirty | GranuleSet::range(first, touched);
        give(chunk, run, first);
        chunk.freed_at = static_cast<std::uint32_t>(now);
        const std::size_t dirty = size_of(chunk.dirty & run, run, granules + gap);
        dirty_.store(dirty_.load(std::memory_order_relaxed) + dirty, std::memory_order_relaxed);
        used_.store(used_.load(std::memory_order_relaxed) - size, std::memory_order_relaxed);
        if (growth == Growth::dense) dense_ -= size;
        enqueue_dirty(chunk);
    }
    if (settings.purge_delay == 0) purge_due(now, 1);
}

void PageHeap::enqueue_dirty(Chunk& chunk)
{
    if (chunk.queued || (chunk.free & chunk.dirty).empty()) return;
    chunk.queued = true;
    chunk.next_dirty = nullptr;
    (last_dirty_ != nullptr ? last_dirty_->next_dirty : first_dirty_) = &chunk;
    last_dirty_ = &chunk;
}

Chunk* PageHeap::dequeue_dirty()
{
    Chunk* const chunk = first_dirty_;
    if (chunk == nullptr) return nullptr;
    first_dirty_ = chunk->next_dirty;
    if (first_dirty_ == nullptr) last_dirty_ = nullptr;
    chunk->queued = false;
    return chunk;
}

/// Called with the lock held, which it gives up around the system calls: the granules are out of
/// the free set meanwhile, so that nobody else can take them.
std::size_t PageHeap::purge_chunk(Chunk& chunk)
{
    const GranuleSet taken = chunk.free & chunk.dirty;
    if (taken.empty() || (chunk.locked_huge && taken.count() < kChunkGranules)) return 0;
    chunk.free = chunk.free - taken;
    relist(chunk, chunk.free.longest_run());
    const std::size_t base = address_range.chunk_number(chunk) * kChunkGranules;
    const bool split_huge = chunk.huge && taken.count() < kChunkGranules;
    if (split_huge) chunk.huge = false;
    mutex_.unlock();

    // A huge page that is given back in parts would be made whole again by khugepaged.
    if (split_huge)
        os::advise_huge_pages(address_range.granule_address(base), kChunkSize,
                              os::HugePages::never);
    for (GranuleSet rest = taken; !rest.empty();) {
        const std::size_t first = rest.first();
        const std::size_t length = rest.run_length(first);
        os::purge(address_range.granule_address(base + first), length << kGranuleShift);
        rest = rest - GranuleSet::range(first, length);
    }

    mutex_.lock();
    chunk.dirty = chunk.dirty - taken;
    chunk.free = chunk.free | taken;
    relist(chunk, chunk.free.longest_run());
    const std::size_t bytes = taken.count() << kGranuleShift;
    dirty_.store(dirty_.load(std::memory_order_relaxed) - bytes, std::memory_order_relaxed);
    count_purged(bytes);
    return bytes;
}

bool PageHeap::allow_holes(std::size_t granule)
{
    Chunk& chunk = address_range.chunk(granule / kChunkGranules);
    {
        const os::LockGuard guard(mutex_);
        if (chunk.locked_huge) return false;
        if (!chunk.huge) return true;
        chunk.huge = false;
    }
    os::advise_huge_pages(address_range.granule_address(granule & ~(kChunkGranules - 1)),
                          kChunkSize, os::HugePages::never);
    return true;
}

void PageHeap::purge_due(std::uint64_t now, std::size_t chunks)
{
    if (dirty() == 0 || !mutex_.try_lock()) return;
    for (; chunks > 0; --chunks) {
        Chunk* const chunk = dequeue_dirty();
        if (chunk == nullptr) break;
        // Used again since it was queued: it waits another round at the end.
        const std::uint32_t age = static_cast<std::uint32_t>(now) - chunk->freed_at;
        if (age < settings.purge_delay)
            enqueue_dirty(*chunk);
        else
            purge_chunk(*chunk);
    }
    mutex_.unlock();
}

std::size_t PageHeap::purge_all()
{
    std::size_t bytes = 0;
    const os::LockGuard guard(mutex_);
    while (Chunk* const chunk = dequeue_dirty())
        bytes += purge_chunk(*chunk);
    return bytes;
}

} // namespace tarn
