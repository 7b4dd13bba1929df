// SPDX-License-Identifier: MIT
//
// Promise: all malloc_usable_size() bytes of a block belong to it alone: writing every one of them
// leaves the thousands of other live blocks, and the allocator, unharmed.

#include <malloc.h>

#include "tests/abi/check.h"

enum { kSlots = 4000, kReplacements = 60000 };

struct Slot {
    void* block;
    size_t size;
    uint64_t seed;
};

static size_t random_size(uint64_t* random)
{
    const uint64_t shape = next_random(random) % 1000;
    const uint64_t value = next_random(random);
    if (shape < 700) {
        return value % 512;
    }
    if (shape < 970) {
        return value % (8 * KIB);
    }
    if (shape < 998) {
        return value % (128 * KIB);
    }
    return value % (3 * MIB);
}

static void replace(struct Slot* slot, uint64_t* random)
{
    if (slot->block != NULL) {
        CHECK_FILLED(slot->block, slot->size, slot->seed);
        free(slot->block);
    }
    const size_t asked = random_size(random);
    slot->block = malloc(asked);
    CHECK(slot->block != NULL, "expected malloc(%zu) to succeed, seen NULL", asked);
    slot->size = malloc_usable_size(slot->block);
    CHECK(slot->size >= asked, "expected at least %zu usable bytes, seen %zu", asked, slot->size);
    slot->seed = next_random(random);
    fill(slot->block, slot->size, slot->seed);
}

int main(void)
{
    static struct Slot slots[kSlots];
    uint64_t random = 20240229;
    for (int i = 0; i < kSlots; ++i) {
        replace(&slots[i], &random);
    }
    for (int i = 0; i < kReplacements; ++i) {
        replace(&slots[next_random(&random) % kSlots], &random);
    }
    for (int i = 0; i < kSlots; ++i) {
        CHECK_FILLED(slots[i].block, slots[i].size, slots[i].seed);
        free(slots[i].block);
    }
    return 0;
}
