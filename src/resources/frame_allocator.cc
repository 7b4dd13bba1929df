// SPDX-License-Identifier: MIT
#include <algorithm>
#include <atomic>
#include <mutex>

#include <tarn/frame_allocator.h>
#include <tarn/malloc.h>
#include <tarn/misuse.h>

namespace tarn {

FrameThread::FrameThread(const FrameOptions& options, std::pmr::memory_resource* upstream)
    : arena_({.name = options.name,
              .growth = options.growth,
              .limit = options.limit,
              .checked = options.checked},
             upstream),
      keep_(options.keep), marks_(options.marks), metrics_(options.window)
{}

FrameThread::~FrameThread() = default;

void FrameThread::begin()
{
    if (is_in_frame_) return report_misuse({Misuse::out_of_order, arena_.name(), this});
    if (marks_ && tarn_frame_mark != nullptr) tarn_frame_mark();
    is_in_frame_ = true;
    ++number_;
    phases_.clear();
    begin_ = std::chrono::steady_clock::now();
}

FrameSummary FrameThread::end()
{
    FrameSummary summary;
    if (!is_in_frame_) {
        report_misuse({Misuse::out_of_order, arena_.name(), this});
        return summary;
    }
    const ResourceStatistics now = arena_.statistics();
    summary.number = number_;
    summary.allocations = now.allocations - allocations_before_;
    summary.bytes = now.in_use;
    summary.reserved = now.reserved;
    allocations_before_ = now.allocations;
    fulfil_promises(summary);
    arena_.reset_and_merge(keep_);
    is_in_frame_ = false;
    summary.duration = std::chrono::steady_clock::now() - begin_;
    metrics_.record(summary);
    return summary;
}

void FrameThread::fulfil_promises(FrameSummary& summary)
{
    for (const Promise& promise : promises_) {
        try {
            promise.fulfil(promise);
            ++summary.promoted;
        } catch (...) { // whatever a move throws, the others are still to be moved
            ++summary.failed;
        }
    }
    promises_.clear();
}

/// Of one allocator. Outlives it while a thread is just leaving.
struct FrameAllocator::Threads {
    Options options;
    std::pmr::memory_resource* upstream;
    std::mutex mutex;                              // guards what follows
    std::vector<std::unique_ptr<FrameThread>> all; // made so far
    std::vector<FrameThread*> left;                // by threads that have ended

    FrameThread* enter()
    {
        const std::lock_guard lock(mutex);
        if (left.empty()) {
            left.reserve(all.size() + 1); // so that no thread needs memory to leave
            return all.emplace_back(std::make_unique<FrameThread>(options, upstream)).get();
        }
        FrameThread* const thread = left.back();
        left.pop_back();
        return thread;
    }
    void leave(FrameThread* thread)
    {
        if (thread->is_in_frame()) thread->end();
        const std::lock_guard lock(mutex);
        left.push_back(thread);
    }
};

namespace {

struct LastAsked {
    std::uint64_t id = 0; // of the allocator; 0: of none
    FrameThread* frames = nullptr;
};

// initial-exec and without a constructor: two loads, where the default model makes a call.
[[gnu::tls_model("initial-exec")]] constinit thread_local LastAsked last_asked;

} // namespace

/// The frames of the calling thread in all allocators; those of allocators that are gone are
/// forgotten when it looks for new ones.
struct FrameAllocator::OfThisThread {
    struct Entry {
        std::uint64_t id;
        std::weak_ptr<Threads> threads;
        FrameThread* frames;
    };
    std::vector<Entry> entries;

    ~OfThisThread()
    {
        last_asked = {};
        for (const Entry& entry : entries)
            if (const auto threads = entry.threads.lock()) threads->leave(entry.frames);
    }

    FrameThread* find(std::uint64_t id)
    {
        for (const Entry& entry : entries) {
            if (entry.id != id) continue;
            last_asked = {id, entry.frames};
            return entry.frames;
        }
        return nullptr;
    }

    static OfThisThread& get()
    {
        thread_local OfThisThread frames;
        return frames;
    }
};

namespace {
std::uint64_t next_id()
{
    // Only to be different from all others: pairs with nothing.
    static std::atomic<std::uint64_t> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}
} // namespace

FrameAllocator::FrameAllocator(const Options& options, std::pmr::memory_resource* upstream)
    : Resource(options.name), id_(next_id()), threads_(std::make_shared<Threads>())
{
    threads_->options = options;
    threads_->upstream = upstream != nullptr ? upstream : malloc_resource();
}

FrameAllocator::~FrameAllocator() = default;

FrameThread& FrameAllocator::this_thread()
{
    if (last_asked.id == id_) [[likely]]
        return *last_asked.frames;
    OfThisThread& own = OfThisThread::get();
    if (FrameThread* const found = own.find(id_)) return *found;
    std::erase_if(own.entries, [](const auto& entry) { return entry.threads.expired(); });
    own.entries.reserve(own.entries.size() + 1);
    own.entries.push_back({id_, threads_, threads_->enter()});
    return *own.find(id_);
}

FrameThread* FrameAllocator::find() const noexcept
{
    return last_asked.id == id_ ? last_asked.frames : OfThisThread::get().find(id_);
}

std::size_t FrameAllocator::threads() const
{
    const std::lock_guard lock(threads_->mutex);
    return threads_->all.size();
}

void* FrameAllocator::do_allocate(std::size_t bytes, std::size_t alignment)
{
    return this_thread().arena().allocate(bytes, alignment);
}

void* FrameAllocator::do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept
{
    try {
        return this_thread().arena().try_allocate(bytes, alignment);
    } catch (const std::bad_alloc&) { // for the frames themselves
        return nullptr;
    }
}

void FrameAllocator::do_deallocate(void* block, std::size_t bytes, std::size_t alignment)
{
    if (FrameThread* const own = find()) return own->arena().deallocate(block, bytes, alignment);
    report_misuse({Misuse::not_owned, name(), block, bytes});
}

bool FrameAllocator::do_owns(const void* address) const noexcept
{
    FrameThread* const own = find();
    return own != nullptr && own->arena().owns(address);
}

std::pmr::memory_resource* FrameAllocator::do_upstream() const noexcept
{
    return threads_->upstream;
}

void FrameAllocator::publish(FrameThread& thread) const
{
    const ResourceStatistics now = thread.arena().statistics();
    const std::lock_guard lock(threads_->mutex);
    thread.published_ = now;
}

ResourceStatistics FrameAllocator::do_statistics() const
{
    ResourceStatistics sum;
    const std::lock_guard lock(threads_->mutex);
    for (const auto& thread : threads_->all) {
        const ResourceStatistics& part = thread->published_;
        sum.allocations += part.allocations;
        sum.deallocations += part.deallocations;
        sum.failures += part.failures;
        sum.in_use += part.in_use;
        sum.peak_in_use += part.peak_in_use;
        sum.reserved += part.reserved;
        sum.peak_reserved += part.peak_reserved;
        sum.wasted += part.wasted;
    }
    return sum;
}

FrameSummary FrameAllocator::end_frame()
{
    FrameThread& thread = this_thread();
    const FrameSummary summary = thread.end();
    publish(thread);
    return summary;
}

Frame::Frame(FrameAllocator& allocator) : allocator_(allocator), thread_(allocator.this_thread())
{
    thread_.begin();
}

Frame::~Frame()
{
    if (thread_.is_in_frame()) thread_.end();
    allocator_.publish(thread_);
}

FrameCheckpoint::FrameCheckpoint(FrameThread& thread)
    : thread_(thread), mark_(thread.arena_.mark()), promises_(thread.promises_.size())
{}

FrameCheckpoint::~FrameCheckpoint()
{
    if (is_open_) roll_back();
}

void FrameCheckpoint::roll_back()
{
    is_open_ = false;
    thread_.arena_.rewind(mark_);
    thread_.promises_.resize(std::min(promises_, thread_.promises_.size()));
}

FramePhase::FramePhase(FrameThread& thread, const char* name)
    : thread_(thread), index_(detail::phase_of(thread.phases_, name)), frame_(thread.number_),
      before_(thread.arena_.statistics()), begin_(std::chrono::steady_clock::now())
{}

FramePhase::~FramePhase()
{
    if (frame_ != thread_.number_) {
        report_misuse({Misuse::out_of_order, thread_.arena_.name(), this});
        return;
    }
    detail::add_phase(thread_.phases_[index_], before_, thread_.arena_.statistics(),
                      std::chrono::steady_clock::now() - begin_);
}

} // namespace tarn
