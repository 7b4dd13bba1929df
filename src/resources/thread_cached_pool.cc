// SPDX-License-Identifier: MIT
#include "src/resources/thread_cached_pool.h"

#include <algorithm>
#include <utility>

#include "src/resources/sanitizer.h"

namespace tarn {

/// What a thread keeps of one pool.
struct ThreadCachedPool::Cache {
    struct Pair {
        List loaded;
        List spare; // empty or a whole batch
        // Written by its thread only, read by whoever asks for statistics: pairs with nothing.
        std::atomic<std::uint64_t> allocations{0};
        std::atomic<std::uint64_t> deallocations{0};

        static void count(std::atomic<std::uint64_t>& calls)
        {
            calls.store(calls.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        }
    };

    void* allocate(Central& central, std::size_t step) noexcept
    {
        Pair& pair = pairs[step];
        if (pair.loaded.first == nullptr) [[unlikely]]
            return load_and_allocate(central, step);
        Block* const block = pair.loaded.first;
        pair.loaded.first = block->next;
        --pair.loaded.count;
        Pair::count(pair.allocations);
        if (detail::has_address_sanitizer()) [[unlikely]]
            detail::unpoison(block, detail::size_of_step(step));
        return block;
    }

    void deallocate(Central& central, std::size_t step, void* block) noexcept
    {
        Pair& pair = pairs[step];
        if (pair.loaded.count == central.batch_of(step)) [[unlikely]]
            return unload_and_deallocate(central, step, block);
        pair.loaded.first = ::new (block) Block{pair.loaded.first, nullptr};
        ++pair.loaded.count;
        Pair::count(pair.deallocations);
        if (detail::has_address_sanitizer()) [[unlikely]]
            detail::poison(static_cast<Block*>(block) + 1,
                           detail::size_of_step(step) - sizeof(Block));
    }

    // Called at the very end only, so that allocate() and deallocate() save no registers.
    [[gnu::noinline]] void* load_and_allocate(Central& central, std::size_t step) noexcept
    {
        Pair& pair = pairs[step];
        std::swap(pair.loaded, pair.spare);
        if (pair.loaded.first == nullptr) pair.loaded = central.take(step);
        return pair.loaded.first != nullptr ? allocate(central, step) : nullptr;
    }
    [[gnu::noinline]] void unload_and_deallocate(Central& central, std::size_t step,
                                                 void* block) noexcept
    {
        Pair& pair = pairs[step];
        std::swap(pair.loaded, pair.spare);
        central.give(step, std::exchange(pair.loaded, List()));
        deallocate(central, step, block);
    }

    void flush(Central& central) noexcept
    {
        for (std::size_t step = 0; step < Central::kSizes; ++step) {
            central.give(step, std::exchange(pairs[step].loaded, List()));
            central.give(step, std::exchange(pairs[step].spare, List()));
        }
    }

    /// What its thread took and gave back; of bytes less than nothing, if others took them.
    void add_to(ResourceStatistics& sum) const
    {
        for (std::size_t step = 0; step < Central::kSizes; ++step) {
            const std::uint64_t taken = pairs[step].allocations;
            const std::uint64_t given = pairs[step].deallocations;
            sum.allocations += taken;
            sum.deallocations += given;
            sum.in_use += (taken - given) * detail::size_of_step(step);
        }
    }

    std::array<Pair, Central::kSizes> pairs;
};

namespace {

struct Last {
    std::uint64_t id; // of the pool that the thread used last; 0: of none
    void* cache;
};

// initial-exec: a load in place of a call. 16 bytes fit what the loader keeps for that.
[[gnu::tls_model("initial-exec")]] constinit thread_local Last last{0, nullptr};

// The destructors of other thread-local objects may still need blocks then.
[[gnu::tls_model("initial-exec")]] constinit thread_local bool has_left = false;

std::uint64_t next_pool_id()
{
    // Only to be different from all others: pairs with nothing.
    static std::atomic<std::uint64_t> last_id{0};
    return last_id.fetch_add(1, std::memory_order_relaxed) + 1;
}

} // namespace

/// The caches of the calling thread in all pools; those of pools that are gone are forgotten when
/// it comes to a new one.
struct ThreadCachedPool::OfThisThread {
    struct Entry {
        std::uint64_t id;
        std::weak_ptr<Central> central;
        std::unique_ptr<Cache> cache;
    };
    std::vector<Entry> entries;

    ~OfThisThread()
    {
        last = {0, nullptr};
        has_left = true;
        for (const Entry& entry : entries)
            if (const auto central = entry.central.lock()) leave(*central, *entry.cache);
    }

    static void leave(Central& central, Cache& cache)
    {
        const std::lock_guard lock(central.mutex);
        std::erase(central.caches, &cache);
        if (central.is_open) cache.flush(central);
        ResourceStatistics sum;
        cache.add_to(sum);
        central.allocations += sum.allocations;
        central.deallocations += sum.deallocations;
        central.in_use += sum.in_use;
    }

    Cache* find(std::uint64_t id, const std::shared_ptr<Central>& central)
    {
        const auto is_it = [id](const Entry& entry) { return entry.id == id; };
        auto found = std::find_if(entries.begin(), entries.end(), is_it);
        if (found == entries.end()) {
            std::erase_if(entries, [](const Entry& entry) { return entry.central.expired(); });
            auto cache = std::make_unique<Cache>();
            entries.reserve(entries.size() + 1);
            const std::lock_guard lock(central->mutex);
            central->caches.push_back(cache.get());
            found = entries.insert(entries.end(), Entry{id, central, std::move(cache)});
        }
        last = {id, found->cache.get()};
        return found->cache.get();
    }

    static OfThisThread& get()
    {
        thread_local OfThisThread caches;
        return caches;
    }
};

ThreadCachedPool::ThreadCachedPool(const Options& options, std::pmr::memory_resource* upstream)
    : Resource(options.name), id_(next_pool_id()),
      central_(std::make_shared<Central>(options, upstream))
{}

ThreadCachedPool::~ThreadCachedPool()
{
    central_->close();
}

// nullptr: there is no memory for one, or the thread is at its very end.
ThreadCachedPool::Cache* ThreadCachedPool::find_cache() noexcept
{
    if (has_left) return nullptr;
    try {
        return OfThisThread::get().find(id_, central_);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

[[gnu::noinline]] void* ThreadCachedPool::find_and_allocate(std::size_t step) noexcept
{
    Cache* const own = find_cache();
    return own != nullptr ? own->allocate(*central_, step) : central_->allocate(step);
}

[[gnu::noinline]] void ThreadCachedPool::find_and_deallocate(std::size_t step, void* block) noexcept
{
    Cache* const own = find_cache();
    own != nullptr ? own->deallocate(*central_, step, block) : central_->deallocate(step, block);
}

void ThreadCachedPool::flush() noexcept
{
    if (Cache* const own = find_cache()) own->flush(*central_);
}

std::size_t ThreadCachedPool::trim()
{
    flush();
    std::size_t chunks = 0;
    for (std::size_t step = 0; step < Central::kSizes; ++step)
        chunks += central_->trim(step);
    return chunks * central_->options.chunk;
}

void* ThreadCachedPool::do_allocate(std::size_t bytes, std::size_t alignment)
{
    void* const block = do_try_allocate(detail::at_least_one(bytes), alignment);
    if (block == nullptr) [[unlikely]]
        throw_bad_alloc();
    return block;
}

void* ThreadCachedPool::do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept
{
    Central& central = *central_;
    if (!central.is_kept(bytes, alignment)) [[unlikely]]
        return central.allocate_apart(bytes, alignment);
    if (!detail::is_serviceable(bytes, alignment)) [[unlikely]]
        return nullptr;
    const std::size_t step = detail::size_step_of(bytes, alignment);
    return last.id == id_ ? static_cast<Cache*>(last.cache)->allocate(central, step)
                          : find_and_allocate(step);
}

void ThreadCachedPool::do_deallocate(void* block, std::size_t bytes, std::size_t alignment)
{
    if (block == nullptr) [[unlikely]]
        return;
    bytes = detail::at_least_one(bytes);
    Central& central = *central_;
    if (!central.is_kept(bytes, alignment)) [[unlikely]]
        return central.deallocate_apart(block, bytes, alignment);
    const std::size_t step = detail::size_step_of(bytes, alignment);
    last.id == id_ ? static_cast<Cache*>(last.cache)->deallocate(central, step, block)
                   : find_and_deallocate(step, block);
}

bool ThreadCachedPool::do_owns(const void* address) const noexcept
{
    return central_->watched != nullptr ? central_->watched->owns(address)
                                        : central_->owns(address);
}

std::pmr::memory_resource* ThreadCachedPool::do_upstream() const noexcept
{
    return central_->upstream.resource();
}

std::uint64_t ThreadCachedPool::transfers() const
{
    std::uint64_t sum = 0;
    for (const Bin& bin : central_->bins) {
        const std::lock_guard lock(bin.mutex);
        sum += bin.transfers;
    }
    return sum;
}

std::size_t ThreadCachedPool::threads() const
{
    const std::lock_guard lock(central_->mutex);
    return central_->caches.size();
}

ResourceStatistics ThreadCachedPool::do_statistics() const
{
    Central& central = *central_;
    if (central.watched != nullptr) return central.watched->statistics();
    const std::lock_guard lock(central.mutex);
    const std::size_t large = central.large.load(std::memory_order_relaxed);
    ResourceStatistics sum{.allocations = central.allocations,
                           .deallocations = central.deallocations,
                           .failures = central.failures,
                           .in_use = central.in_use + large};
    for (const Cache* const cache : central.caches)
        cache->add_to(sum);
    for (std::size_t step = 0; step < Central::kSizes; ++step) {
        const std::lock_guard bin_lock(central.bins[step].mutex);
        sum.reserved += central.bins[step].chunks.size() * central.options.chunk;
        sum.peak_reserved += central.bins[step].most_chunks * central.options.chunk;
        sum.peak_in_use += central.bins[step].most_taken * detail::size_of_step(step);
    }
    const std::size_t most_large = central.most_large.load(std::memory_order_relaxed);
    sum.reserved += large;
    sum.peak_reserved += most_large;
    sum.peak_in_use = std::max(sum.peak_in_use + most_large, sum.in_use);
    return sum;
}

} // namespace tarn
