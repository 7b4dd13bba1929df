// SPDX-License-Identifier: MIT
//
// Allocates through the library of allocators: 20 blocks of 500 bytes as "direct", of which 5 stay;
// one of 100 bytes as "outer::direct"; and 100 of 16 bytes from an arena whose chunks are "below".

#include <cstdio>
#include <vector>

#include <tarn/arena_resource.h>
#include <tarn/malloc.h>
#include <tarn/tracing_resource.h>

int main()
{
    tarn::TracingResource direct("direct");
    std::vector<void*> blocks;
    for (int i = 0; i < 20; ++i)
        blocks.push_back(direct.allocate(500));
    for (std::size_t i = 5; i < 20; ++i)
        direct.deallocate(blocks[i], 500);

    if (tarn_tag_push != nullptr) tarn_tag_push("outer");
    blocks[5] = direct.allocate(100);
    if (tarn_tag_pop != nullptr) tarn_tag_pop();

    tarn::TracingResource below("below");
    tarn::ArenaResource arena({}, &below);
    for (int i = 0; i < 100; ++i)
        static_cast<void>(arena.allocate(16));
    std::printf("%zu bytes direct, %llu chunks\n", direct.in_use(),
                static_cast<unsigned long long>(below.statistics().allocations));
    std::fflush(stdout);
    std::_Exit(0); // what is in use is in the report
}
