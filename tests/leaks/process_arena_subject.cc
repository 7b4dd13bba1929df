// SPDX-License-Identifier: MIT
//
// Memory of the process arena only, of small blocks, large ones and strictly aligned ones.

#include <tarn/process_arena.h>

int main()
{
    tarn::ProcessArena& arena = tarn::process_arena();
    for (int i = 0; i < 1000; ++i)
        arena.dup("a name that lives as long as the process");
    static_cast<void>(arena.allocate(100'000));
    static_cast<void>(arena.allocate(100'000, 4096));
    static_cast<void>(arena.allocate(200'000, 65536));
}
