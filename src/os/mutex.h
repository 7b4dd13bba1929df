// SPDX-License-Identifier: MIT
//
// A mutex of one word: constant-initialised, usable before and after everything else.

#pragma once

#include <atomic>
#include <cstdint>

// libc's own (2.32), in <sys/single_threaded.h>; weak, because older ones have none.
// NOLINTNEXTLINE(*-reserved-identifier, readability-identifier-naming): libc's name
extern "C" [[gnu::weak]] char __libc_single_threaded;

namespace tarn::os {

/// No other thread runs, and none starts before the calling one returns to the program: an atomic
/// operation, 20 cycles, may be two plain ones. Cost: two loads.
inline bool is_single_threaded()
{
    return &__libc_single_threaded != nullptr && __libc_single_threaded != 0;
}

/// Waits while *word == expected, or until woken; may wake for no reason.
void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t expected);

/// As futex_wait(), for at most `milliseconds`.
void futex_wait_for(std::atomic<std::uint32_t>& word, std::uint32_t expected,
                    unsigned milliseconds);
void futex_wake(std::atomic<std::uint32_t>& word, int waiters);

/// Spins a hundred times, then sleeps in the kernel: with more threads than processors the holder
/// is likely to be off the processor, and spinning would only keep it there.
/// Source: Drepper, "Futexes Are Tricky" (2011), mutex 2.
class __attribute__((capability("mutex"))) Mutex {
public:
    [[clang::acquire_capability()]] void lock()
    {
        if (!try_lock()) lock_slow();
    }

    [[clang::try_acquire_capability(true)]] bool try_lock()
    {
        std::uint32_t expected = kFree;
        if (is_single_threaded()) {
            if (word_.load(std::memory_order_relaxed) != kFree) return false;
            word_.store(kHeld, std::memory_order_relaxed);
            return true;
        }
        return word_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire);
    }

    [[clang::release_capability()]] void unlock()
    {
        if (is_single_threaded())
            word_.store(kFree, std::memory_order_relaxed);
        else if (word_.exchange(kFree, std::memory_order_release) == kContended)
            futex_wake(word_, 1);
    }

    /// In a forked child: free again, whoever held it.
    void reset() { word_.store(kFree, std::memory_order_relaxed); }

private:
    static constexpr std::uint32_t kFree = 0;
    static constexpr std::uint32_t kHeld = 1;
    static constexpr std::uint32_t kContended = 2;

    void lock_slow();

    std::atomic<std::uint32_t> word_{kFree};
};

/// Holds a Mutex for a scope.
class [[clang::scoped_lockable]] LockGuard {
public:
    explicit LockGuard(Mutex& mutex) __attribute__((acquire_capability(mutex))) : mutex_(mutex)
    {
        mutex_.lock();
    }
    LockGuard(const LockGuard&) = delete;
    LockGuard& operator=(const LockGuard&) = delete;
    [[clang::release_capability()]] ~LockGuard() { mutex_.unlock(); }

private:
    Mutex& mutex_;
};

} // namespace tarn::os
