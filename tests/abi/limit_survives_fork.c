// SPDX-License-Identifier: MIT
//
// Promise: the budget of limit=64m counts in a forked child as in its parent: what the parent held
// counts until the child frees it, and neither's frees change the other's. Runs with
// TARN_LIMIT=64m.

#include "tests/abi/check.h"

static int fits(size_t size)
{
    void* block = malloc(size);
    free(block);
    return block != NULL;
}

int main(void)
{
    void* held = malloc(40 * MIB);
    CHECK(held != NULL, "expected 40 MiB within the limit, seen NULL");
    const pid_t child = fork();
    if (child == 0) {
        CHECK(!fits(30 * MIB), "expected 30 MiB over the limit in the child, seen it given");
        CHECK(fits(20 * MIB), "expected 20 MiB to fit in the child, seen NULL");
        free(held);
        CHECK(fits(55 * MIB), "expected 55 MiB once the child has freed, seen NULL");
        _exit(0);
    }
    expect_success(child);
    CHECK(!fits(30 * MIB), "expected 30 MiB over the limit in the parent, seen it given");
    free(held);
    CHECK(fits(55 * MIB), "expected 55 MiB once the parent has freed, seen NULL");
    return 0;
}
