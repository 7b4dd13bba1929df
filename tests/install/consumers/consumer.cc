// SPDX-License-Identifier: MIT
//
// What a program does with the library: an arena under a container.

#include <cstdio>
#include <memory_resource>
#include <string>
#include <vector>

#include <tarn/arena_resource.h>

int main()
{
    tarn::ArenaResource arena(tarn::ArenaOptions::frame());
    std::pmr::vector<std::pmr::string> texts(&arena);
    for (int i = 0; i < 100; ++i)
        texts.emplace_back("a text that is longer than what a string holds itself");
    std::printf("%zu texts, %s\n", texts.size(),
                arena.owns(texts.back().data()) ? "owned" : "lost");
}
