// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <ostream>
#include <stdexcept>
#include <utility>

#include <tarn/asset_cache.h>
#include <tarn/misuse.h>

#include "src/resources/fields.h"

namespace tarn {

namespace {

std::array<detail::Field, 8> fields_of(const AssetStatistics& statistics)
{
    return {{{"hits", statistics.hits},
             {"loads", statistics.loads},
             {"failures", statistics.failures},
             {"refusals", statistics.refusals},
             {"evictions", statistics.evictions},
             {"assets", statistics.assets},
             {"in_use", statistics.in_use},
             {"peak_in_use", statistics.peak_in_use}}};
}

} // namespace

AssetCache::AssetCache(Options options, std::pmr::memory_resource* upstream)
    : options_(std::move(options)), upstream_(upstream)
{
    if (!detail::is_serviceable(1, options_.alignment))
        throw std::invalid_argument("asset cache: the alignment is no power of two");
}

AssetCache::~AssetCache()
{
    trim();
    for (auto& [name, entry] : entries_)
        report_misuse({Misuse::leak, options_.name, entry.block, entry.bytes});
    for (auto& [name, entry] : entries_)
        deallocate(entry);
}

AssetCache::Pin::~Pin()
{
    if (entry_ != nullptr) cache_->release(*entry_);
}

std::span<const std::byte> AssetCache::Pin::bytes() const noexcept
{
    return entry_ != nullptr ? cache_->bytes_of(*entry_) : std::span<std::byte>();
}

AssetCache::Pin AssetCache::acquire(std::string_view name, std::size_t bytes, int priority,
                                    const Load& load)
{
    Entries evicted;
    std::unique_lock lock(mutex_);
    if (Entry* const there = wait_for(name, lock)) {
        if (there->is_loaded) {
            Pin pin = hold(*there);
            there->rank.value().priority = priority;
            return pin;
        }
        lock.unlock();
        report_misuse({Misuse::out_of_order, options_.name, there->block});
        return {};
    }
    Entry* const entry = add(name, bytes, priority, evicted);
    if (entry == nullptr) return {};
    lock.unlock();
    give_back(evicted, entry->cost());
    return load_into(*entry, load);
}

AssetCache::Pin AssetCache::find(std::string_view name)
{
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(name);
    return found != entries_.end() && found->second.is_loaded ? hold(found->second) : Pin();
}

void AssetCache::trim(std::size_t bytes)
{
    Entries evicted;
    {
        const std::lock_guard lock(mutex_);
        std::size_t left = statistics_.in_use;
        std::size_t count = 0;
        for (auto rank = ranks_.begin(); left > bytes && rank != ranks_.end(); ++rank, ++count)
            left -= rank->entry->cost();
        take_out(count, evicted);
    }
    give_back(evicted, 0);
}

AssetStatistics AssetCache::statistics() const
{
    const std::lock_guard lock(mutex_);
    AssetStatistics statistics = statistics_;
    statistics.assets = entries_.size();
    return statistics;
}

/// Returns the entry, loaded or being loaded by this very thread; nullptr if there is none.
AssetCache::Entry* AssetCache::wait_for(std::string_view name, std::unique_lock<std::mutex>& lock)
{
    for (;;) {
        const auto found = entries_.find(name);
        if (found == entries_.end()) return nullptr;
        Entry& entry = found->second;
        if (entry.is_loaded || entry.loader == std::this_thread::get_id()) return &entry;
        changed_.wait(lock);
    }
}

AssetCache::Pin AssetCache::hold(Entry& entry)
{
    ++statistics_.hits;
    if (entry.pins++ == 0) entry.rank = ranks_.extract(entry.rank_at);
    return {*this, entry};
}

/// Enters an asset to be loaded, held once, and takes out what must go for it. Errors: nullptr, and
/// nothing has changed; std::bad_alloc, likewise.
AssetCache::Entry* AssetCache::add(std::string_view name, std::size_t bytes, int priority,
                                   Entries& evicted)
{
    const std::size_t count = count_to_evict(detail::at_least_one(bytes), priority);
    if (count > ranks_.size()) {
        ++statistics_.refusals;
        return nullptr;
    }
    Ranks rank; // its node is allocated now, so that releasing the asset cannot fail
    rank.insert({priority, 0, nullptr});
    const auto added = entries_.emplace(name, Entry()).first;
    Entry& entry = added->second;
    entry.name = added->first;
    entry.bytes = bytes;
    entry.pins = 1;
    entry.loader = std::this_thread::get_id();
    entry.rank = rank.extract(rank.begin());
    entry.rank.value().entry = &entry;
    // What goes counts until it is gone, so that the budget holds at any moment.
    const std::size_t freed = take_out(count, evicted);
    statistics_.in_use += entry.cost() - std::min(entry.cost(), freed);
    statistics_.peak_in_use = std::max(statistics_.peak_in_use, statistics_.in_use);
    return &entry;
}

/// How many of those that go first; more than there are if that is not enough.
std::size_t AssetCache::count_to_evict(std::size_t bytes, int priority) const
{
    std::size_t room = options_.budget - statistics_.in_use;
    std::size_t count = 0;
    auto rank = ranks_.begin();
    for (; room < bytes && rank != ranks_.end() && rank->priority <= priority; ++rank, ++count)
        room += rank->entry->cost();
    return room < bytes ? ranks_.size() + 1 : count;
}

/// Returns their bytes, which count as in use until give_back().
std::size_t AssetCache::take_out(std::size_t count, Entries& evicted)
{
    std::size_t bytes = 0;
    for (; count != 0; --count) {
        const Entry& entry = *ranks_.begin()->entry;
        bytes += entry.cost();
        ranks_.erase(ranks_.begin());
        evicted.insert(entries_.extract(entries_.find(entry.name)));
        ++statistics_.evictions;
    }
    return bytes;
}

/// `kept` bytes of them are of the asset that they went for.
void AssetCache::give_back(Entries& evicted, std::size_t kept) noexcept
{
    std::size_t bytes = 0;
    for (auto& [name, entry] : evicted) {
        if (options_.on_evict) options_.on_evict(name, bytes_of(entry));
        bytes += entry.cost();
        deallocate(entry);
    }
    const std::lock_guard lock(mutex_);
    statistics_.in_use -= bytes - std::min(bytes, kept);
}

void AssetCache::deallocate(Entry& entry) noexcept
{
    if (entry.block != nullptr) upstream_.deallocate(entry.block, entry.cost(), options_.alignment);
}

AssetCache::Pin AssetCache::load_into(Entry& entry, const Load& load)
{
    bool is_loaded = false;
    try {
        entry.block = upstream_.try_allocate(entry.cost(), options_.alignment);
        is_loaded = entry.block != nullptr && load(bytes_of(entry));
    } catch (...) {
        forget(entry);
        throw;
    }
    if (!is_loaded) {
        forget(entry);
        return {};
    }
    const std::lock_guard lock(mutex_);
    entry.is_loaded = true;
    ++statistics_.loads;
    changed_.notify_all();
    return {*this, entry};
}

/// Of an asset that could not be loaded.
void AssetCache::forget(Entry& entry) noexcept
{
    deallocate(entry);
    const std::lock_guard lock(mutex_);
    ++statistics_.failures;
    statistics_.in_use -= entry.cost();
    entries_.erase(entries_.find(entry.name));
    changed_.notify_all();
}

void AssetCache::release(Entry& entry) noexcept
{
    const std::lock_guard lock(mutex_);
    if (--entry.pins != 0) return;
    entry.rank.value().last_use = ++uses_;
    entry.rank_at = ranks_.insert(std::move(entry.rank)).position;
}

std::ostream& operator<<(std::ostream& out, const AssetStatistics& statistics)
{
    detail::write(out, fields_of(statistics));
    return out;
}

std::string to_json(const AssetStatistics& statistics)
{
    return detail::json_object(fields_of(statistics));
}

} // namespace tarn
