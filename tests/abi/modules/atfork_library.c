// SPDX-License-Identifier: MIT
//
// A library whose constructor registers fork handlers that allocate. The dynamic loader runs it
// before the constructors of a preloaded library that it does not depend on, so its prepare handler
// runs after the allocator's. See fork_handlers_of_libraries_may_allocate.c.

#include "tests/abi/check.h"

int atfork_prepare_runs = 0;
int atfork_parent_runs = 0;
int atfork_child_runs = 0;

static void* carried;

static void replace_carried(void)
{
    free(carried);
    carried = malloc(3000);
    CHECK(carried != NULL, "expected malloc in fork handler run %d, seen NULL",
          atfork_prepare_runs);
    memset(carried, 1, 3000);
    // Large as well: the allocator behind the pools has locks of its own.
    char* large = malloc(4 * MIB);
    CHECK(large != NULL, "expected 4 MiB in fork handler run %d, seen NULL", atfork_prepare_runs);
    large[0] = large[4 * MIB - 1] = 1;
    free(large);
}

static void prepare(void)
{
    ++atfork_prepare_runs;
    replace_carried();
}

static void in_parent(void)
{
    ++atfork_parent_runs;
    replace_carried();
}

static void in_child(void)
{
    ++atfork_child_runs;
    replace_carried();
}

__attribute__((constructor)) static void register_handlers(void)
{
    pthread_atfork(prepare, in_parent, in_child);
}
