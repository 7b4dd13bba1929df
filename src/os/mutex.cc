// SPDX-License-Identifier: MIT

#include "src/os/mutex.h"

#include <ctime>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/os/errno_guard.h"

namespace tarn::os {

namespace {

/// Tells the processor that this is a spin loop.
void pause_briefly()
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

} // namespace

void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t expected)
{
    const ErrnoGuard guard;
    ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}

void futex_wait_for(std::atomic<std::uint32_t>& word, std::uint32_t expected, unsigned milliseconds)
{
    const ErrnoGuard guard;
    const timespec timeout{static_cast<time_t>(milliseconds / 1000),
                           static_cast<long>(milliseconds % 1000) * 1'000'000};
    ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, &timeout, nullptr, 0);
}

void futex_wake(std::atomic<std::uint32_t>& word, int waiters)
{
    const ErrnoGuard guard;
    ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, waiters, nullptr, nullptr, 0);
}

void Mutex::lock_slow()
{
    for (int i = 0; i < 100; ++i) {
        if (word_.load(std::memory_order_relaxed) == kFree && try_lock()) return;
        pause_briefly();
    }
    while (word_.exchange(kContended, std::memory_order_acquire) != kFree)
        futex_wait(word_, kContended);
}

} // namespace tarn::os
