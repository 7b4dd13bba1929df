// SPDX-License-Identifier: MIT
//
// A copy of the process as it is now, with the calling thread only: what looks at all of its memory
// can do so there, while the process itself goes on.
//
// It is made as fork() does it, but without the handlers of pthread_atfork(), and the program does
// not hear of it: not by SIGCHLD, not by wait().

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace tarn::os {

struct CopyWork {
    void (*run)(void* context); // in the copy, which ends when it returns
    void* context;
    /// Our child, and waited for by wait_for_copy(). Else nobody's, unless we are who gets such
    /// processes (number 1 of a container, PR_SET_CHILD_SUBREAPER).
    bool is_waited_for;
    std::size_t stack_size; // bytes, of a stack for one that is nobody's child
};

struct StartedCopy {
    int process;   // its number; 0: there is none
    int problem;   // error number
    bool is_child; // wait_for_copy() or forget_copy() is to be called
};

/// Cost: the page tables, 5 to 20 ms for 1 GB in pages of 4 KiB. Requires: all signals are blocked.
/// Errors: those of clone(2): ENOMEM if the system does not promise so much memory, EAGAIN.
StartedCopy start_copy(const CopyWork& work);

/// A copy that goes on where the caller does: returns in it, too, with neither number nor problem.
/// It is our child, see wait_for_copy(). libc takes its thread for the one that it is a copy of, so
/// that locks which the caller holds can be released: they are marked with the thread's number.
StartedCopy start_copy_here();

/// Waits for its end. Returns its status as wait() has it.
int wait_for_copy(const StartedCopy& copy);

/// Its status if it has ended, else nullopt.
std::optional<int> status_of_copy(const StartedCopy& copy);

/// Takes note of its end if it has ended.
void forget_copy(const StartedCopy& copy);

bool is_running(const StartedCopy& copy);

/// In the copy: closes all descriptors but standard error, so that files, pipes and locks end with
/// the program, has process_id() say what it says of the program, and the system kill the copy
/// first if memory runs out. `crashed` is called, once, when memory cannot be read.
void settle_in_copy(std::uint64_t original, void (*crashed)());

/// Memory that the process and its copies share, zeroed. Errors: nullptr.
void* map_shared(std::size_t size);

} // namespace tarn::os
