// SPDX-License-Identifier: MIT

#include "tracer/sites.h"

#include "src/base/units.h"
#include "src/os/process.h"
#include "tracer/state_file.h"

namespace tarn {

constinit SiteTable site_table;
constinit LiveTotals live_totals;
constinit os::TickRate tick_rate;

Site* SiteTable::add(TraceId trace)
{
    const os::LockGuard guard(mutex_);
    if (const std::uint32_t number = stack_trie.tag(trace)) return &site(number); // another's
    const std::size_t number = size_.load(std::memory_order_relaxed) + 1;
    if (number / kSitesInChunk >= kMostChunks) return nullptr;
    std::atomic<SiteChunk*>& chunk = chunks_[number / kSitesInChunk];
    if (chunk.load(std::memory_order_relaxed) == nullptr) {
        auto* const fresh =
            static_cast<SiteChunk*>(take_table(StateChunk::sites, sizeof(SiteChunk)));
        if (fresh == nullptr) return nullptr;
        chunk.store(fresh, std::memory_order_release);
    }
    Site& fresh = site(number);
    fresh.trace = trace;
    fresh.index = static_cast<std::uint16_t>(number % kSitesInChunk);
    fresh.tag = tag_of(trace);
    size_.store(number, std::memory_order_release);
    state_file.note_sites(number);
    stack_trie.set_tag(trace, static_cast<std::uint32_t>(number));
    return &fresh;
}

/// Each peak is a hundredth higher than the one before, and at least 4 KiB, so that there are few,
/// however many sites have to be looked at.
void LiveTotals::note_peak(std::uint64_t now)
{
    constexpr std::uint64_t kShare = 128;
    constexpr std::uint64_t kLeast = KiB(4);
    if (!mutex_.try_lock()) return; // another thread does
    if (now >= next_peak_.load(std::memory_order_relaxed)) {
        next_peak_.store(now + now / kShare + kLeast, std::memory_order_relaxed);
        peak_bytes_.store(now, std::memory_order_relaxed);
        peak_blocks_.store(live_blocks(), std::memory_order_relaxed);
        peak_at_.store(os::clock_milliseconds(), std::memory_order_relaxed);
        for (std::size_t number = 1; number <= site_table.size(); ++number) {
            Site& site = site_table.site(number);
            SiteDetail& detail = site.detail();
            detail.peak_blocks = site.live_blocks();
            detail.peak_bytes = site.live_bytes();
            detail.peak_rounding = site.rounding.get();
        }
    }
    mutex_.unlock();
}

} // namespace tarn
