// SPDX-License-Identifier: MIT
//
// Fragmentation drift: 200 000 objects live at any time, each replaced at a random moment, while
// the range of sizes moves from 16..64 bytes to 170..680 bytes over eight phases. The memory of
// the early sizes lies in between the late ones: can it be used for them?
//
// Prints resident and live bytes at the end. Live means requested; the tables of this program
// are left out of both.

#include <array>

#include "bench/workloads/memory_use.h"
#include "bench/workloads/support.h"

namespace {

constexpr std::size_t kObjects = 200000;
constexpr std::size_t kPhases = 8;

std::array<void*, kObjects> objects;
std::array<std::uint32_t, kObjects> sizes;

void replace(std::size_t at, std::size_t size)
{
    if (objects[at] != nullptr) {
        bench::require(bench::is_intact(objects[at], sizes[at]), "block overwritten");
        std::free(objects[at]);
    }
    objects[at] = bench::allocate(size);
    sizes[at] = static_cast<std::uint32_t>(size);
    bench::stamp(objects[at], size);
}

} // namespace

int main(int argc, char** argv)
{
    const std::size_t replacements = bench::argument(argc, argv, 1, 600000);
    bench::Random random(14);
    std::size_t smallest = 16;
    for (std::size_t phase = 0; phase < kPhases; ++phase) {
        for (std::size_t at = 0; phase == 0 && at < kObjects; ++at)
            replace(at, random.between(smallest, smallest * 4));
        for (std::size_t i = 0; i < replacements; ++i)
            replace(random.below(kObjects), random.between(smallest, smallest * 4));
        smallest = smallest * 7 / 5;
    }
    std::size_t live = 0;
    for (const std::uint32_t size : sizes)
        live += size;
    const std::size_t resident = bench::resident_bytes() - sizeof objects - sizeof sizes;
    std::printf("{\"resident\": %zu, \"live\": %zu}\n", resident, live);
    return 0;
}
