// SPDX-License-Identifier: MIT

#include "preload/failures.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <pthread.h>
#include <unistd.h>

#include "preload/checks.h"
#include "preload/helper.h"
#include "preload/report.h"
#include "preload/startup.h"
#include "preload/trial.h"
#include "src/heap/settings.h"
#include "src/heap/stay.h"
#include "src/os/errno_guard.h"
#include "src/os/fork.h"
#include "src/os/process.h"
#include "tracer/failure_report.h"
#include "tracer/mapped_array.h"
#include "tracer/site_number.h"
#include "tracer/tags.h"
#include "tracer/traces.h"

namespace tarn {

namespace {

/// Reports beyond these would take longer than the program.
constexpr std::uint64_t kMostReported = 20;

constinit std::atomic<bool> is_counting{false};
constinit std::atomic<std::uint64_t> allocations{0};
constinit std::atomic<std::uint64_t> refused{0};
constinit std::atomic<std::uint64_t> refused_places{0};
constinit std::atomic<std::uint64_t> too_large{0};
/// The process that counts: a child of vfork() has another number, but our memory.
constinit std::atomic<::pid_t> owner{0};
constinit os::Mutex report_mutex;
/// The calling thread is at work here: what it allocates meanwhile is not meant.
[[gnu::tls_model("initial-exec")]] constinit thread_local bool is_deciding = false;

FailChoice choice()
{
    const Options& options = startup_options();
    if (options.fail_fork && !options.fail) return {.kind = FailChoice::Kind::each_site};
    return options.fail;
}

/// 64 bits that look random, of any number.
/// Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators" (2014), SplitMix64.
std::uint64_t mixed(std::uint64_t number)
{
    number *= 0x9E3779B97F4A7C15U;
    number = (number ^ number >> 30U) * 0xBF58476D1CE4E5B9U;
    number = (number ^ number >> 27U) * 0x94D049BB133111EBU;
    return number ^ number >> 31U;
}

/// As far as it can be said without the stack.
bool may_fail(const FailChoice& chosen, std::uint64_t number)
{
    switch (chosen.kind) {
    case FailChoice::Kind::none:
        return false;
    case FailChoice::Kind::range:
        return number >= chosen.first && number <= chosen.last;
    case FailChoice::Kind::rate:
        return mixed(mixed(startup_options().fail_seed) ^ number) % kMillion < chosen.first;
    case FailChoice::Kind::each_site:
    case FailChoice::Kind::site:
        return true;
    }
    return false;
}

/// Stacks that were here before, a bit for each. All threads; on slow paths only, so that no signal
/// handler and no fork() comes in between.
class SeenStacks {
public:
    /// Whether it was not. Without memory each is new.
    bool add(TraceId trace)
    {
        const os::LockGuard guard(mutex_);
        const std::size_t word = trace / kBits;
        if (word >= words_.size() && !words_.resize(std::max(word + 1, 2 * words_.size())))
            return true;
        const std::uint64_t bit = std::uint64_t{1} << trace % kBits;
        const bool is_new = (words_[word] & bit) == 0;
        words_[word] |= bit;
        return is_new;
    }

private:
    static constexpr std::size_t kBits = 64;
    MappedArray<std::uint64_t> words_;
    os::Mutex mutex_;
};

constinit Lasting<SeenStacks> seen_stacks;

struct Place {
    bool is_new = false;   // nobody was there before
    bool is_known = false; // not where a signal handler has interrupted malloc
};

/// Finds the stack of the caller.
Place find_place(Refusal& refusal)
{
    const SlowPath path;
    if (!path.entered()) return {};
    refusal.trace = find_stack();
    return {.is_new = seen_stacks.value.add(refusal.trace), .is_known = true};
}

bool is_at_site(const FailChoice& chosen, TraceId trace)
{
    return chosen.kind != FailChoice::Kind::site || site_number(trace) == chosen.first;
}

void tell(const Refusal& refusal, const Place& place)
{
    refused.fetch_add(1, std::memory_order_relaxed);
    if (!place.is_new || refused_places.fetch_add(1, std::memory_order_relaxed) >= kMostReported)
        return;
    int cancellation = 0; // state before; malloc is no cancellation point
    ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellation);
    {
        const os::LockGuard guard(report_mutex);
        report_refusal(refusal, write_report);
    }
    ::pthread_setcancelstate(cancellation, nullptr);
}

bool refuse_too_large(Refusal refusal)
{
    refusal.most = startup_options().max_alloc;
    const Place place = find_place(refusal);
    if (!place.is_known) return false;
    too_large.fetch_add(1, std::memory_order_relaxed);
    tell(refusal, place);
    return true;
}

bool refuse_chosen(Refusal refusal)
{
    const FailChoice chosen = choice();
    if (!may_fail(chosen, refusal.number)) return false;
    if (startup_options().fail_fork && !begin_trial()) return false;
    const Place place = find_place(refusal);
    const bool fails = place.is_known && (place.is_new || !chosen.needs_stack()) &&
                       is_at_site(chosen, refusal.trace);
    if (startup_options().fail_fork) return end_trial(refusal, fails);
    if (fails) tell(refusal, place);
    return fails;
}

/// For refusal_hook.
bool refuses(std::size_t size)
{
    if (is_deciding) return false;
    if (!current_tag_has_room(size)) return true;
    if (!is_counting.load(std::memory_order_relaxed)) return false;
    const os::ErrnoGuard guard;
    is_deciding = true;
    const std::size_t most = startup_options().max_alloc;
    const Refusal refusal{.number = allocations.fetch_add(1, std::memory_order_relaxed) + 1,
                          .size = size,
                          .most = 0,
                          .trace = kNoTrace};
    const bool is_ours = owner.load(std::memory_order_relaxed) == ::getpid();
    const bool is_refused =
        is_ours && (most != 0 && size > most ? refuse_too_large(refusal) : refuse_chosen(refusal));
    is_deciding = false;
    return is_refused;
}

/// In a child that the program has forked: its allocations are counted on, but what may happen in
/// copies is tried out in the first process only.
void after_fork()
{
    owner.store(::getpid(), std::memory_order_relaxed);
    report_mutex.reset();
    forget_trials();
    refused.store(0, std::memory_order_relaxed);
    too_large.store(0, std::memory_order_relaxed);
    if (startup_options().fail_fork) is_counting.store(false, std::memory_order_relaxed);
}

bool is_on()
{
    return may_be_refused() && startup_options().refuses();
}

} // namespace

void prepare_failures()
{
    const Options& options = startup_options();
    if (!options.refuses()) return;
    // Where all allocations are looked at they come to a slow path, and a stack can be found there.
    const bool has_tracing = settings.observer != nullptr || has_stacks_of_checks();
    if (!has_tracing && settings.checks == nullptr)
        settings.observer =
            start_tracing({.most_calls = options.depth, .counts_sites = false, .sample_period = 0});
    if (has_tracing || settings.observer != nullptr)
        refusal_hook.store(refuses, std::memory_order_relaxed);
}

void start_failures()
{
    if (!startup_options().refuses()) return;
    if (!is_on()) return write_report("tarn: fail: no address space for stacks; nothing fails\n");
    os::add_fork_hooks({nullptr, nullptr, after_fork});
    prepare_helper();
    owner.store(::getpid(), std::memory_order_relaxed);
    is_counting.store(true, std::memory_order_relaxed);
}

void heed_tag_limits()
{
    refusal_hook.store(refuses, std::memory_order_relaxed);
}

int report_failures(int status)
{
    if (!is_on() || owner.load(std::memory_order_relaxed) != ::getpid()) return status;
    if (!is_counting.exchange(false, std::memory_order_relaxed)) return status;
    const Options& options = startup_options();
    const auto exitcode = static_cast<int>(options.exitcode);
    if (options.fail_fork) {
        if (report_all_trials() && exitcode != 0) status = exitcode;
    } else if (options.fail) {
        Printer(write_report) << "tarn: fail: "
                              << refused.load(std::memory_order_relaxed) -
                                     too_large.load(std::memory_order_relaxed)
                              << " of " << allocations.load(std::memory_order_relaxed)
                              << " allocations of " << os::executable_name() << " got no memory\n";
    }
    const bool was_too_large = too_large.load(std::memory_order_relaxed) != 0;
    return was_too_large && exitcode != 0 ? exitcode : status;
}

} // namespace tarn
