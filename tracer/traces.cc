// SPDX-License-Identifier: MIT

#include "tracer/traces.h"

#include <atomic>
#include <sys/auxv.h>

#include "src/os/mutex.h"
#include "tracer/arena.h"
#include "tracer/own_code.h"
#include "tracer/sites.h"
#include "tracer/stack_walk.h"

namespace tarn {

namespace {

constinit TraceOptions trace_options{};

/// Walkers of threads that have ended, for the next ones.
class WalkerPool {
public:
    /// Errors: nullptr, no memory.
    StackWalker* take()
    {
        const os::LockGuard guard(mutex_);
        Entry* const entry = free_;
        if (entry == nullptr) {
            // Pages that nobody touches stay away: most stacks need one or two.
            void* const memory = arena.take(sizeof(Entry));
            return memory != nullptr ? &static_cast<Entry*>(memory)->walker : nullptr;
        }
        free_ = entry->next;
        return &entry->walker;
    }

    void put_back(StackWalker* walker)
    {
        walker->forget();
        auto* const entry = reinterpret_cast<Entry*>(walker);
        const os::LockGuard guard(mutex_);
        entry->next = free_;
        free_ = entry;
    }

private:
    struct Entry {
        StackWalker walker; // all zero is one that knows nothing
        Entry* next;
    };
    static_assert(offsetof(Entry, walker) == 0);

    Entry* free_ = nullptr; // guarded by mutex_
    os::Mutex mutex_;
};

constinit WalkerPool walker_pool;

struct ThreadState {
    StackWalker* walker;
    std::uint32_t number;      // of the thread, counted from 1; 0: not yet given
    std::uint32_t allocations; // so far
    std::uint32_t ignoring;    // see ignore_allocations()
    bool has_left;             // what it still allocates it does without a walker of its own
};
[[gnu::tls_model("initial-exec")]] constinit thread_local ThreadState thread_state{};

TraceId walk_from(StackWalker& walker, const RegisterValues& start)
{
    return walker.walk(start, own_code(), trace_options.most_calls);
}

TraceId walk_from(const RegisterValues& start)
{
    ThreadState& state = thread_state;
    StackWalker* const walker = state.walker != nullptr ? state.walker : walker_pool.take();
    if (walker == nullptr) return kNoTrace;
    const TraceId trace = walk_from(*walker, start);
    if (state.has_left)
        walker_pool.put_back(walker);
    else
        state.walker = walker;
    return trace;
}

/// The stack that the caller is called on.
[[gnu::noinline]] TraceId current_trace()
{
    return walk_from(current_registers());
}

/// With kIgnored, if it is to be.
std::uint32_t marked(TraceId trace)
{
    return thread_state.ignoring != 0 && trace != kNoTrace ? trace | kIgnored : trace;
}

constinit std::atomic<std::uint32_t> last_mark{0};

BlockNote note_allocated(std::size_t size, std::uint32_t)
{
    return {.trace = marked(current_trace()), .born = current_mark(), .size = size};
}

void note_freed(const BlockNote&) {}

/// When a block was born: the thread's number and its count of allocations, as far as they fit.
constexpr std::uint32_t kThreadBits = 6;
constexpr std::uint32_t kThreads = 1U << kThreadBits;

std::uint32_t birth(const ThreadState& state)
{
    return state.allocations << kThreadBits | state.number % kThreads;
}

constinit std::atomic<std::uint32_t> thread_count{0};

BlockNote count_allocated(std::size_t size, std::uint32_t)
{
    ThreadState& state = thread_state;
    if (state.number == 0) state.number = thread_count.fetch_add(1, std::memory_order_relaxed) + 1;
    ++state.allocations;
    const TraceId trace = current_trace();
    if (Site* const site = site_table.find(trace)) {
        site->allocations.add(1);
        site->bytes.add(size);
    }
    live_totals.allocated(size);
    return {.trace = marked(trace), .born = birth(state), .size = size};
}

void count_freed(const BlockNote& note)
{
    if (Site* const site = site_table.find(note.trace & ~kIgnored)) {
        site->frees.add(1);
        site->freed_bytes.add(note.size);
        if (note.born == birth(thread_state)) site->temporary.add(1);
    }
    live_totals.freed(note.size);
}

BlockNote count_sampled(std::size_t size, std::uint32_t weight)
{
    const TraceId trace = current_trace();
    if (Site* const site = site_table.find(trace)) {
        site->samples.add(1);
        site->allocations.add(weight);
        site->bytes.add(weight * size);
    }
    live_totals.allocated(weight * size, weight);
    return {.trace = marked(trace), .born = weight, .size = size};
}

void count_sample_freed(const BlockNote& note)
{
    const std::uint64_t weight = note.born;
    if (Site* const site = site_table.find(note.trace & ~kIgnored)) {
        site->frees.add(weight);
        site->freed_bytes.add(weight * note.size);
    }
    live_totals.freed(weight * note.size, weight);
}

void note_thread_leaves()
{
    ThreadState& state = thread_state;
    state.has_left = true;
    if (state.walker == nullptr) return;
    walker_pool.put_back(state.walker);
    state.walker = nullptr;
}

constexpr Observer kObserver{
    .allocated = note_allocated, .freed = note_freed, .thread_leaves = note_thread_leaves};
constexpr Observer kCountingObserver{
    .allocated = count_allocated, .freed = count_freed, .thread_leaves = note_thread_leaves};
constexpr Observer kSamplingObserver{
    .allocated = count_sampled, .freed = count_sample_freed, .thread_leaves = note_thread_leaves};

} // namespace

const Observer* start_tracing(const TraceOptions& options)
{
    trace_options = options;
    if (!can_find_modules() || !arena.initialise()) return nullptr;
    // The program itself is the first, as readers of profiles expect.
    module_table.find(::getauxval(AT_PHDR));
    if (!options.counts_sites) return &kObserver;
    return options.sample_period != 0 ? &kSamplingObserver : &kCountingObserver;
}

std::size_t sample_period_of_traces()
{
    return trace_options.sample_period;
}

void ignore_allocations(bool ignore)
{
    std::uint32_t& ignoring = thread_state.ignoring;
    if (ignore)
        ++ignoring;
    else if (ignoring != 0)
        --ignoring;
}

std::uint32_t set_mark()
{
    return last_mark.fetch_add(1, std::memory_order_relaxed) + 1;
}

std::uint32_t current_mark()
{
    return last_mark.load(std::memory_order_relaxed);
}

void forget_unloaded_code()
{
    if (module_table.look_for_unloaded()) rule_cache.clear();
}

} // namespace tarn
