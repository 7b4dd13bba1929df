// SPDX-License-Identifier: MIT
//
// What is to run around fork(): ours alone, or with the handlers of the program.

#pragma once

#include "src/os/copy.h"

namespace tarn::os {

/// Any of them may be null.
struct ForkHooks {
    void (*before)();
    void (*after_in_parent)();
    void (*after_in_child)();
};

/// They run around each fork(), as those of pthread_atfork() do: `before` in the reverse order.
/// While there is one thread. At most eight are remembered for copies.
void add_fork_hooks(const ForkHooks& hooks);

/// start_copy_here() with these hooks around it, and not the program's, which may take locks that
/// the caller holds.
StartedCopy start_copy_with_hooks();

} // namespace tarn::os
