// SPDX-License-Identifier: MIT
#include <tarn/process_arena.h>

#include "src/resources/never_destroyed.h"

namespace tarn {

ProcessArena& process_arena()
{
    static detail::NeverDestroyed<ProcessArena> arena;
    return arena.get();
}

} // namespace tarn
