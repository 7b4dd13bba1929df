// SPDX-License-Identifier: MIT

#include "tracer/traces.h"

#include <atomic>
#include <sys/auxv.h>

#include "src/os/mutex.h"
#include "tracer/arena.h"
#include "tracer/frames.h"
#include "tracer/own_code.h"
#include "tracer/sample_records.h"
#include "tracer/sites.h"
#include "tracer/stack_walk.h"

namespace tarn {

namespace {

constinit TraceOptions trace_options{};
constinit MemoryRange own_range{};

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
    std::uint64_t allocations; // so far
    std::uint64_t bytes;       // of these
    FrameStart frame;
    std::uint64_t last_birth; // of its last block
    std::uint32_t ignoring;   // see ignore_allocations()
    TraceId root;             // see begin_stacks_with()
    bool has_left;            // what it still allocates it does without a walker of its own
};
[[gnu::tls_model("initial-exec")]] constinit thread_local ThreadState thread_state{};

TraceId walk_from(StackWalker& walker, const Position& start)
{
    return walker.walk(start, own_range, trace_options.most_calls, thread_state.root);
}

/// For a thread without a walker, or without one of its own.
[[gnu::noinline]] TraceId walk_first(const Position& start)
{
    ThreadState& state = thread_state;
    StackWalker* const walker = walker_pool.take();
    if (walker == nullptr) return kNoTrace;
    const TraceId trace = walk_from(*walker, start);
    if (state.has_left)
        walker_pool.put_back(walker);
    else
        state.walker = walker;
    return trace;
}

/// The stack that the caller is called on.
[[gnu::always_inline]] inline TraceId current_trace(const ThreadState& state)
{
    const Position start = current_position();
    return state.walker != nullptr ? walk_from(*state.walker, start) : walk_first(start);
}

/// With kIgnored, if it is to be.
std::uint32_t marked(TraceId trace)
{
    return thread_state.ignoring != 0 && trace != kNoTrace ? trace | kIgnored : trace;
}

constinit std::atomic<std::uint32_t> last_mark{0};

BlockOrigin note_allocated(std::size_t, std::size_t, std::uint32_t)
{
    return {.born = current_mark(), .trace = marked(current_trace(thread_state))};
}

void note_freed(const BlockNote&) {}
void note_resized(const BlockNote&, std::size_t) {}

constinit std::atomic<std::uint32_t> thread_count{0};

/// What there is to count where a block is allocated. Returns its birth. `is_alone` is a constant
/// in each of two copies: asking for each counter anew took 10 ns of a malloc and free.
[[gnu::always_inline]] inline std::uint64_t add_allocated(TraceId trace, std::size_t size,
                                                          std::size_t room,
                                                          const ThreadState& thread, bool is_alone)
{
    std::uint64_t before = Birth::kTimedAtFirst;
    if (Site* const site = site_table.find(trace)) {
        before = site->allocations.fetch_add(1, is_alone);
        site->bytes.add(size, is_alone);
        site->rounding.add(room - size, is_alone);
        site->detail().allocated(size, thread.number, is_alone);
        if (site->tag != kNoTag) [[unlikely]]
            tag_table.allocated(site->tag, size, is_alone);
    }
    live_totals.allocated(size, is_alone);
    return Birth::of(before, thread.allocations, thread.number);
}

[[gnu::always_inline]] inline void add_freed(const BlockNote& note, const ThreadState& thread,
                                             bool is_alone)
{
    if (Site* const site = site_table.find(note.trace & ~kIgnored)) {
        site->frees.add(1, is_alone);
        site->freed_bytes.add(note.size, is_alone);
        site->rounding.subtract(note.room - note.size, is_alone);
        if (note.born == thread.last_birth)
            site->temporary.add(1, is_alone);
        else if (!Birth::is_by(note.born, thread.number))
            site->freed_elsewhere.add(1, is_alone);
        if (const std::uint64_t weight = Birth::weight(note.born)) [[unlikely]]
            site->detail().freed(Birth::age(note.born), weight);
        if (site->tag != kNoTag) [[unlikely]]
            tag_table.freed(site->tag, note.size, is_alone);
    }
    live_totals.freed(note.size, is_alone);
}

void give_number(ThreadState& state)
{
    if (state.number == 0) state.number = thread_count.fetch_add(1, std::memory_order_relaxed) + 1;
}

BlockOrigin count_allocated(std::size_t size, std::size_t room, std::uint32_t)
{
    ThreadState& state = thread_state;
    give_number(state);
    ++state.allocations;
    state.bytes += size;
    const TraceId trace = current_trace(state);
    state.last_birth = os::is_single_threaded() ? add_allocated(trace, size, room, state, true)
                                                : add_allocated(trace, size, room, state, false);
    return {.born = state.last_birth, .trace = marked(trace)};
}

void count_freed(const BlockNote& note)
{
    if (os::is_single_threaded())
        add_freed(note, thread_state, true);
    else
        add_freed(note, thread_state, false);
}

void count_resized(const BlockNote& note, std::size_t copied)
{
    if (Site* const site = site_table.find(note.trace & ~kIgnored)) site->detail().resized(copied);
}

BlockOrigin count_sampled(std::size_t size, std::size_t room, std::uint32_t weight)
{
    const bool is_alone = os::is_single_threaded();
    ThreadState& state = thread_state;
    give_number(state);
    const TraceId trace = current_trace(state);
    const std::uint32_t record = trace != kNoTrace ? sample_records.add(weight) : 0;
    if (record == 0) return {.born = 0, .trace = kNoTrace};
    state.allocations += weight;
    state.bytes += weight * size;
    if (Site* const site = site_table.find(trace)) {
        site->detail().samples.add(1, is_alone);
        site->allocations.add(weight, is_alone);
        site->bytes.add(weight * size, is_alone);
        site->rounding.add(weight * (room - size), is_alone);
        tag_table.allocated(site->tag, weight * size, is_alone);
        site->detail().allocated(size, state.number, is_alone, weight);
    }
    live_totals.allocated(weight * size, is_alone, weight);
    // At last, and the other end of it at first: what we do ourselves is not its lifetime.
    sample_records.get(record).birth = Birth::of(0, 0, state.number);
    return {.born = record, .trace = marked(trace)};
}

void count_sample_freed(const BlockNote& note)
{
    const std::uint64_t now = os::ticks();
    const bool is_alone = os::is_single_threaded();
    const SampleRecord record = sample_records.take(static_cast<std::uint32_t>(note.born));
    const std::uint64_t weight = record.weight;
    if (Site* const site = site_table.find(note.trace & ~kIgnored)) {
        site->frees.add(weight, is_alone);
        site->freed_bytes.add(weight * note.size, is_alone);
        site->rounding.subtract(weight * (note.room - note.size), is_alone);
        tag_table.freed(site->tag, weight * note.size, is_alone);
        if (!Birth::is_by(record.birth, thread_state.number))
            site->freed_elsewhere.add(weight, is_alone);
        site->detail().freed(Birth::age(record.birth, now), weight);
    }
    live_totals.freed(weight * note.size, is_alone, weight);
}

void count_sample_resized(const BlockNote& note, std::size_t copied)
{
    const auto number = static_cast<std::uint32_t>(note.born);
    if (Site* const site = site_table.find(note.trace & ~kIgnored))
        site->detail().resized(copied, sample_records.get(number).weight);
}

void note_thread_leaves()
{
    ThreadState& state = thread_state;
    state.has_left = true;
    if (state.walker == nullptr) return;
    walker_pool.put_back(state.walker);
    state.walker = nullptr;
}

constexpr Observer kObserver{.allocated = note_allocated,
                             .freed = note_freed,
                             .resized = note_resized,
                             .thread_leaves = note_thread_leaves};
constexpr Observer kCountingObserver{.allocated = count_allocated,
                                     .freed = count_freed,
                                     .resized = count_resized,
                                     .thread_leaves = note_thread_leaves};
constexpr Observer kSamplingObserver{.allocated = count_sampled,
                                     .freed = count_sample_freed,
                                     .resized = count_sample_resized,
                                     .thread_leaves = note_thread_leaves};

} // namespace

const Observer* start_tracing(const TraceOptions& options)
{
    trace_options = options;
    own_range = own_code();
    tick_rate.start();
    if (!can_find_modules() || !arena.initialise()) return nullptr;
    // The program itself is the first, as readers of profiles expect.
    module_table.find(::getauxval(AT_PHDR));
    if (!options.counts_sites) return &kObserver;
    timeline.start();
    return options.sample_period != 0 ? &kSamplingObserver : &kCountingObserver;
}

TraceId find_stack()
{
    return current_trace(thread_state);
}

std::size_t sample_period_of_traces()
{
    return trace_options.sample_period;
}

void set_sample_period_of_traces(std::size_t period)
{
    trace_options.sample_period = period;
}

void ignore_allocations(bool ignore)
{
    std::uint32_t& ignoring = thread_state.ignoring;
    if (ignore)
        ++ignoring;
    else if (ignoring != 0)
        --ignoring;
}

void begin_stacks_with(TraceId root)
{
    thread_state.root = root;
}

void end_frame()
{
    ThreadState& state = thread_state;
    give_number(state);
    frame_table.end(state.frame,
                    {.is_known = true,
                     .ticks = os::ticks(),
                     .allocations = state.allocations,
                     .bytes = state.bytes},
                    state.number);
}

std::uint32_t set_mark()
{
    return last_mark.fetch_add(1, std::memory_order_relaxed) + 1;
}

std::uint32_t current_mark()
{
    return last_mark.load(std::memory_order_relaxed);
}

void reset_trace_locks()
{
    frame_table.reset_lock();
    timeline.reset_lock();
}

void forget_unloaded_code()
{
    if (module_table.look_for_unloaded()) rule_cache.clear();
}

} // namespace tarn
