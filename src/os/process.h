// SPDX-License-Identifier: MIT
//
// What the core needs to know of its process and thread.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace tarn::os {

/// Milliseconds of a clock that never goes back. Cost: a few ns (vDSO), resolution of 1-4 ms.
std::uint64_t clock_milliseconds();

/// Seconds since 1970.
std::uint64_t wall_clock_seconds();

/// 64 bits that nobody can guess, from the kernel.
std::uint64_t random_number();

/// Of the process that is spoken of: in a copy of it, see copy.h, the original.
std::uint64_t process_id();
void set_process_id(std::uint64_t original);

/// When a process started, in clock ticks after the system did: with its number it stands for that
/// process only. Errors: 0, there is none of that number, or it has ended.
std::uint64_t start_of_process(std::uint64_t process);

/// Copies the host's name; returns its length.
std::size_t host_name(std::span<char> room);

/// Last component of the executable's path, in static storage, control characters as blanks.
/// Errors: "unknown".
std::string_view executable_name();

/// Hands every entry of the environment that starts with "TARN" to the caller's array; works
/// before libc has set up `environ`. The text is valid until the next call.
/// In AT_SECURE programs (setuid) there is none. Returns how many.
std::size_t own_environment(std::span<std::string_view> entries);

/// Announces barrier_in_all_threads(). Cost: 3 us in a process of one thread, 10 to 30 ms in one of
/// several (the kernel waits for every processor), so early. Errors: false, not available.
bool prepare_barrier();

/// Makes every running thread of the process pass a full memory barrier, so that the others'
/// plain stores and loads on either side of it are ordered. Errors: false, not available.
bool barrier_in_all_threads();

void yield_processor();

/// Called with the argument of arm_thread_exit() when the calling thread ends, after its C++
/// thread_local destructors.
using ThreadExitHook = void (*)(void*);

/// Registers the hook, once per process. Errors: false, no key left.
bool set_thread_exit_hook(ThreadExitHook hook);

/// From now on the hook runs for this thread, once.
void arm_thread_exit(void* argument);

/// Holds libc's lock on the list of open streams across fork, which fork() itself takes only
/// after our own locks: a thread that holds it and calls malloc would wait for us for ever.
/// It is recursive, so that fork() takes it once more without harm.
void lock_stdio();
void unlock_stdio();

/// In the child: fork() itself frees the lock only if the parent had several threads.
void reset_stdio_lock();

} // namespace tarn::os
