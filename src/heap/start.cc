// SPDX-License-Identifier: MIT
//
// The first slow path of all.

#include <atomic>

#include "src/fallback/fallback.h"
#include "src/heap/address_range.h"
#include "src/heap/large.h"
#include "src/heap/observed.h"
#include "src/heap/observed_path.h"
#include "src/heap/sampled.h"
#include "src/heap/settings.h"
#include "src/heap/slow_path.h"
#include "src/heap/stay.h"
#include "src/os/fork.h"
#include "src/os/mutex.h"
#include "src/os/process.h"

namespace tarn {

namespace {
constinit os::Mutex initialise_mutex;
} // namespace

constinit std::atomic<bool> detail::is_initialised{false};

void detail::initialise_heap()
{
    const os::LockGuard guard(initialise_mutex);
    if (is_initialised.load(std::memory_order_relaxed)) return;
    configure_heap();
    if (fallback == nullptr) fallback = fallback_backend(FallbackKind::mmap);
    // Without a range everything comes from the fallback: slower, but nothing is refused.
    // But who watches blocks takes a mapping for each that is not of the range; and addresses for
    // what it remembers, up to twice as many as the range has.
    const bool is_watched = settings.observer != nullptr || settings.checks != nullptr;
    address_range.initialise(is_watched ? AddressRange::Room{.smallest = MiB(4), .part = 8}
                                        : AddressRange::Room{});
    if (settings.observer != nullptr) initialise_notes();
    if (settings.checks != nullptr) {
        address_range.close_fast_paths();
        settings.checks->start();
    }
    if (settings.guards != nullptr) settings.guards->start();
    detail::observes_pools = leaves_gaps() && settings.checks == nullptr &&
                             settings.guards == nullptr && settings.pools &&
                             address_range.granule_count() != 0;
    if (is_sampling()) sample_heap.initialise();
    os::set_thread_exit_hook(leave_thread);
    // Not with the second thread: it may be on its way into the heap while the first one forks.
    os::prepare_barrier();
    os::add_fork_hooks({before_fork, after_fork_in_parent, after_fork_in_child});
    is_initialised.store(true, std::memory_order_release);
}

[[gnu::weak]] void configure_heap() {}

} // namespace tarn
