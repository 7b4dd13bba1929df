// SPDX-License-Identifier: MIT
//
// Give-back: fills memory with blocks of 16 to 1024 bytes, frees 90 % of them at random, then does
// nothing for two seconds, then calls malloc_trim(0). How much of the freed memory has gone
// back to the system at each point?
//
// With `idle` the program sleeps through the two seconds, with `ticking` it allocates and frees
// one small block every 100 ms, as a waiting server does. Some allocators need such a call to
// notice the time.
//
// usage: give_back idle|ticking MEGABYTES

#include <malloc.h>
#include <string_view>
#include <sys/mman.h>
#include <vector>

#include "bench/workloads/memory_use.h"
#include "bench/workloads/support.h"

namespace {

constexpr std::size_t kMiB = std::size_t{1024} * 1024;
constexpr std::size_t kSmallest = 16;
constexpr std::size_t kLargest = 1024;

/// The list of blocks, outside the heap that is measured.
void** make_table(std::size_t count)
{
    void* const table = mmap(nullptr, count * sizeof(void*), PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bench::require(table != MAP_FAILED, "mmap of the table");
    return static_cast<void**>(table);
}

void wait_two_seconds(bool is_ticking)
{
    constexpr useconds_t kTick = 100000;
    for (int i = 0; i < 20; ++i) {
        usleep(kTick);
        if (is_ticking) std::free(bench::allocate(100));
    }
}

} // namespace

int main(int argc, char** argv)
{
    const std::string_view mode = argc > 1 ? argv[1] : "";
    if (mode != "idle" && mode != "ticking") {
        std::fputs("usage: give_back idle|ticking MEGABYTES\n", stderr);
        return 2;
    }
    const std::size_t target = bench::argument(argc, argv, 2, 256) * kMiB;
    void** const blocks = make_table(target / kSmallest);
    bench::Random random(15);
    std::size_t count = 0;
    for (std::size_t filled = 0; filled < target; ++count) {
        const std::size_t size = random.between(kSmallest, kLargest);
        blocks[count] = bench::allocate(size);
        bench::stamp(blocks[count], size);
        filled += size;
    }
    const std::size_t full = bench::resident_bytes();

    std::size_t freed = 0;
    for (std::size_t i = 0; i < count; ++i) {
        if (random.below(10) == 0) continue;
        freed += malloc_usable_size(blocks[i]);
        std::free(blocks[i]);
        blocks[i] = nullptr;
    }
    const std::size_t after_free = bench::resident_bytes();
    wait_two_seconds(mode == "ticking");
    const std::size_t after_wait = bench::resident_bytes();
    malloc_trim(0);
    const std::size_t after_trim = bench::resident_bytes();
    std::printf("{\"full\": %zu, \"freed\": %zu, \"after_free\": %zu, \"after_wait\": %zu, "
                "\"after_trim\": %zu}\n",
                full, freed, after_free, after_wait, after_trim);
    return 0;
}
