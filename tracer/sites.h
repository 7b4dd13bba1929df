// SPDX-License-Identifier: MIT
//
// Sites: the places that allocate, one for each stack, with what they have done so far. This is all
// that a trace keeps: it grows with the program's stacks, not with its allocations.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "src/os/memory.h"
#include "src/os/mutex.h"
#include "tracer/site_detail.h"
#include "tracer/stack_trie.h"
#include "tracer/tags.h"
#include "tracer/timeline.h"

namespace tarn {

inline constexpr std::size_t kSitesInChunk = 512;

/// What is in use. Other threads go on between the two readings, for as long as this one waits for
/// the processor: so it may be too little, even nothing, but never too much.
inline std::uint64_t in_use(const SiteCounter& allocated, const SiteCounter& freed)
{
    const std::uint64_t minuend = allocated.get();
    const std::uint64_t subtrahend = freed.get();
    return minuend > subtrahend ? minuend - subtrahend : 0;
}

struct Site {
    TraceId trace;
    std::uint16_t index; // in its chunk
    TagId tag;           // of its stack
    SiteCounter allocations;
    SiteCounter bytes; // asked for
    SiteCounter frees;
    SiteCounter freed_bytes;
    SiteCounter rounding;        // bytes that blocks in use have beyond that
    SiteCounter temporary;       // freed before the same thread's next allocation
    SiteCounter freed_elsewhere; // by another thread than the one that had allocated

    std::uint64_t live_blocks() const { return in_use(allocations, frees); }
    std::uint64_t live_bytes() const { return in_use(bytes, freed_bytes); }

    /// Requires: it is in a chunk, as all of a SiteTable's are.
    SiteDetail& detail();
    const SiteDetail& detail() const;
};

/// As they lie in memory: the looking for a peak passes over all sites, but not over their details.
struct SiteChunk {
    std::array<Site, kSitesInChunk> sites;
    std::array<SiteDetail, kSitesInChunk> details;
};
static_assert(sizeof(SiteChunk) == kSitesInChunk * 392);

inline SiteDetail& Site::detail()
{
    return reinterpret_cast<SiteChunk*>(this - index)->details[index];
}
inline const SiteDetail& Site::detail() const
{
    return reinterpret_cast<const SiteChunk*>(this - index)->details[index];
}

/// All sites. Thread safety: any thread.
class SiteTable {
public:
    /// The site of a stack. Errors: nullptr, no memory. Cost: a few ns.
    Site* find(TraceId trace)
    {
        if (trace == kNoTrace) return nullptr;
        const std::uint32_t number = stack_trie.tag(trace);
        return number != 0 ? &site(number) : add(trace);
    }

    std::size_t size() const { return size_.load(std::memory_order_acquire); }
    /// `number`: 1 to size().
    Site& site(std::size_t number) const
    {
        return chunks_[number / kSitesInChunk]
            .load(std::memory_order_acquire)
            ->sites[number % kSitesInChunk];
    }

    /// Takes over the sites of a state file, see StackTrie::adopt(): of the first `size` those that
    /// have a stack there. Returns how many have none.
    std::size_t adopt(std::span<void* const> chunks, std::size_t size);

private:
    static constexpr std::size_t kMostChunks = std::size_t{1} << 14;

    Site* add(TraceId trace);

    std::array<std::atomic<SiteChunk*>, kMostChunks> chunks_{};
    std::atomic<std::size_t> size_{0};
    os::Mutex mutex_; // for changes
};

extern constinit SiteTable site_table;

/// What the whole process has in use, when that was most, and what it says to have moved. Thread
/// safety: any thread. It has a page of its own, for that of a state file to be put in its place.
class alignas(os::kPageSize) LiveTotals {
public:
    void allocated(std::uint64_t bytes, bool is_alone = os::is_single_threaded(),
                   std::uint64_t blocks = 1)
    {
        const std::uint64_t before = blocks_.fetch_add(blocks, is_alone);
        bytes_.add(bytes, is_alone);
        const std::uint64_t now = live_bytes();
        if (now >= next_peak_.load(std::memory_order_relaxed)) [[unlikely]]
            note_peak(now);
        if (Timeline::is_look_due(before, blocks, bytes)) [[unlikely]]
            timeline.look();
    }
    void freed(std::uint64_t bytes, bool is_alone = os::is_single_threaded(),
               std::uint64_t blocks = 1)
    {
        const std::uint64_t before = freed_blocks_.fetch_add(blocks, is_alone);
        freed_bytes_.add(bytes, is_alone);
        if (Timeline::is_look_due(before, blocks, bytes)) [[unlikely]]
            timeline.look();
    }

    /// As the program tells. In signal handlers, too, so it does not matter that it may be alone.
    void moved(std::uint64_t bytes_read, std::uint64_t bytes_written)
    {
        read_bytes_.add(bytes_read, false);
        written_bytes_.add(bytes_written, false);
    }

    /// For a report: if most is in use now, that is the peak.
    void note_last_peak()
    {
        if (live_bytes() > peak_bytes()) {
            next_peak_.store(0, std::memory_order_relaxed);
            note_peak(live_bytes());
        }
    }

    std::uint64_t live_bytes() const { return in_use(bytes_, freed_bytes_); }
    std::uint64_t live_blocks() const { return in_use(blocks_, freed_blocks_); }
    std::uint64_t bytes() const { return bytes_.get(); }
    std::uint64_t blocks() const { return blocks_.get(); }
    std::uint64_t freed_blocks() const { return freed_blocks_.get(); }
    std::uint64_t freed_bytes() const { return freed_bytes_.get(); }
    std::uint64_t read_bytes() const { return read_bytes_.get(); }
    std::uint64_t written_bytes() const { return written_bytes_.get(); }
    /// Of the last peak that was noted: within a hundredth of the highest.
    std::uint64_t peak_bytes() const { return peak_bytes_.load(std::memory_order_relaxed); }
    std::uint64_t peak_blocks() const { return peak_blocks_.load(std::memory_order_relaxed); }
    /// Milliseconds of os::clock_milliseconds().
    std::uint64_t peak_at() const { return peak_at_.load(std::memory_order_relaxed); }

private:
    void note_peak(std::uint64_t now);

    SiteCounter blocks_;
    SiteCounter bytes_;
    SiteCounter freed_blocks_;
    SiteCounter freed_bytes_;
    std::atomic<std::uint64_t> next_peak_{1};
    std::atomic<std::uint64_t> peak_bytes_{0};
    std::atomic<std::uint64_t> peak_blocks_{0};
    std::atomic<std::uint64_t> peak_at_{0};
    os::Mutex mutex_;                    // for the peak
    alignas(64) SiteCounter read_bytes_; // see moved()
    SiteCounter written_bytes_;
};

extern constinit LiveTotals live_totals;

/// Of the ages in a SiteDetail; it starts with the trace.
extern constinit os::TickRate tick_rate;

} // namespace tarn
