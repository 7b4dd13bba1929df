// SPDX-License-Identifier: MIT
//
// A plugin with thread_local objects, one of them with a destructor, and a large thread-local
// array: the dynamic loader allocates its thread-local block on first use in each thread. See
// dlopen_loop_keeps_memory_bounded.c.

#include <string>
#include <vector>

namespace {

thread_local std::vector<std::string> lines;
thread_local char large[24 * 1024];
thread_local int uses = 0;

} // namespace

extern "C" int use_memory(int count)
{
    lines.clear();
    for (int i = 0; i < count; ++i) {
        lines.emplace_back(static_cast<std::size_t>(i), 'y');
        large[i] = static_cast<char>(i);
    }
    ++uses;
    return static_cast<int>(lines.size());
}
