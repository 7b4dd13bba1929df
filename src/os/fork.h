// SPDX-License-Identifier: MIT
//
// What is to run around fork(): ours alone, or with the handlers of the program.

#pragma once

#include <sys/types.h>

namespace tarn::os {

/// Any of them may be null.
struct ForkHooks {
    void (*before)();
    void (*after_in_parent)();
    void (*after_in_child)();
};

/// They run around each fork(), as those of pthread_atfork() do: `before` in the reverse order.
/// While there is one thread. At most eight are remembered for fork_alone().
void add_fork_hooks(const ForkHooks& hooks);

/// A child as by fork(), but without the program's handlers: these may take locks that the caller
/// holds. `bare_fork` is libc's _Fork(). Returns what it does.
::pid_t fork_alone(::pid_t (*bare_fork)());

} // namespace tarn::os
