// SPDX-License-Identifier: MIT

#include "src/os/fork.h"

#include <array>
#include <cstddef>
#include <pthread.h>

namespace tarn::os {

namespace {

constinit std::array<ForkHooks, 8> all_hooks{};
constinit std::size_t hook_count = 0;

void call(void (*hook)())
{
    if (hook != nullptr) hook();
}

} // namespace

void add_fork_hooks(const ForkHooks& hooks)
{
    ::pthread_atfork(hooks.before, hooks.after_in_parent, hooks.after_in_child);
    if (hook_count < all_hooks.size()) all_hooks[hook_count++] = hooks;
}

StartedCopy start_copy_with_hooks()
{
    for (std::size_t i = hook_count; i > 0; --i)
        call(all_hooks[i - 1].before);
    const StartedCopy copy = start_copy_here();
    const bool is_copy = copy.process == 0 && copy.problem == 0;
    for (std::size_t i = 0; i < hook_count; ++i)
        call(is_copy ? all_hooks[i].after_in_child : all_hooks[i].after_in_parent);
    return copy;
}

} // namespace tarn::os
