// SPDX-License-Identifier: MIT
//
// Random replacement: a fixed number of live blocks, any of them freed and allocated anew with
// another size between two bounds, each doubling as likely as the next. One program for three
// tests; compare.py gives the bounds:
//
//   medium    1 KiB to 64 KiB   buffers, rows, compressed pages
//   midsize  64 KiB to 1 MiB    where allocators change from pools to something slower
//   large     5 MiB to 25 MiB   images, matrices: kept, or returned and faulted in again?
//
// usage: replace STEPS SLOTS SMALLEST LARGEST

#include <vector>

#include "bench/workloads/support.h"

namespace {

struct Slot {
    unsigned char* block = nullptr;
    std::size_t size = 0;
};

/// Writes one byte of each 4 KiB page, and both ends.
void use(const Slot& slot)
{
    constexpr std::size_t kPage = 4096;
    for (std::size_t at = 0; at < slot.size; at += kPage)
        slot.block[at] = static_cast<unsigned char>(at >> 12U);
    bench::stamp(slot.block, slot.size);
}

} // namespace

int main(int argc, char** argv)
{
    const std::size_t steps = bench::argument(argc, argv, 1, 1000000);
    const std::size_t slot_count = bench::argument(argc, argv, 2, 2000);
    const std::size_t smallest = bench::argument(argc, argv, 3, 1024);
    const std::size_t largest = bench::argument(argc, argv, 4, 65536);
    bench::Random random(13);
    std::vector<Slot> slots(slot_count);
    std::uint64_t checksum = 0;
    for (std::size_t step = 0; step < steps; ++step) {
        Slot& slot = slots[random.below(slot_count)];
        if (slot.block != nullptr) {
            bench::require(bench::is_intact(slot.block, slot.size), "block overwritten");
            std::free(slot.block);
        }
        slot.size = random.by_doubling(smallest, largest);
        slot.block = static_cast<unsigned char*>(bench::allocate(slot.size));
        use(slot);
        checksum = checksum * 31 + slot.size;
    }
    for (const Slot& slot : slots)
        std::free(slot.block);
    return bench::finish(checksum);
}
