// SPDX-License-Identifier: MIT
//
// What libc calls when a thread ends and when the process forks.

#include "src/heap/deferred.h"
#include "src/heap/heap_registry.h"
#include "src/heap/sampled.h"
#include "src/heap/settings.h"
#include "src/heap/slow_path.h"
#include "src/heap/stay.h"
#include "src/os/process.h"

namespace tarn {

void leave_thread(void* argument)
{
    auto& cache = *static_cast<ThreadCache*>(argument);
    const SlowPath path;
    if (!path.entered() || cache.heap == nullptr) return;
    if (settings.thread_leaves != nullptr) settings.thread_leaves(&path);
    if (settings.observer != nullptr) settings.observer->thread_leaves();
    // Destructors that run after this one are served from parked heaps. Staying until the last
    // round would be quicker for them, but a thread cannot know which round that is.
    heap_registry.park(cache);
    cache.exited = true;
}

void before_fork()
{
    // Nobody to wait for.
    if (os::is_single_threaded()) return;
    os::lock_stdio();
    heap_registry.freeze(&this_thread_cache());
}

void after_fork_in_parent()
{
    if (!heap_registry.is_frozen_by(&this_thread_cache())) return;
    heap_registry.thaw();
    os::unlock_stdio();
    run_deferred();
}

void after_fork_in_child()
{
    if (!heap_registry.is_frozen_by(&this_thread_cache())) return;
    os::reset_stdio_lock();
    sample_heap.reset_lock();
    heap_registry.thaw_in_child(&this_thread_cache());
}

} // namespace tarn
