// SPDX-License-Identifier: MIT
//
// All other threads of the process, stopped where they are, with their registers.
//
// By signal, not by ptrace, which containers forbid and debuggers occupy. The signal is a real-time
// one that the program does not use, and is claimed for as long as it takes.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "src/base/heap_view.h"
#include "tracer/mapped_array.h"
#include "tracer/waiting_call.h"

namespace tarn {

struct StoppedThread {
    int id;                     // as in /proc/self/task
    bool answered;              // false: the registers are unknown
    bool ended;                 // has no stack and no registers any more
    std::uintptr_t stack_point; // lowest address of its stack in use; 0: unknown
    std::array<std::uintptr_t, 32> registers;
    WaitingCall call; // that it was in before it was stopped
};

/// The block with the addresses of the calling thread's dynamic TLS. The thread itself points
/// behind the block's first entry, so that it would seem possibly lost.
std::uintptr_t tls_block();

class StoppedThreads {
public:
    StoppedThreads() = default;
    StoppedThreads(const StoppedThreads&) = delete;
    StoppedThreads& operator=(const StoppedThreads&) = delete;
    ~StoppedThreads() { resume(); }

    /// Stops every other thread. Those that block the signal and wait in the kernel are found by
    /// /proc; of those that run on, `stack_point` is 0. At most half a second is waited for a
    /// thread. Errors: false, no memory or no signal: nobody is stopped.
    bool stop();
    void resume();

    std::span<const StoppedThread> threads() const { return threads_.all(); }
    /// Of their registers.
    MemoryRange memory() const { return threads_.memory(); }

private:
    bool add(int id, bool& found);
    bool add_new_ones(bool& found);
    void signal_one(StoppedThread& thread);

    MappedArray<StoppedThread> threads_;
    int signal_ = 0;
    bool everyone_answers_ = true;
};

} // namespace tarn
