// SPDX-License-Identifier: MIT
//
// Promise: destructors of pthread keys allocate and free in every round that POSIX grants, whether
// their key was made before the first malloc or long after, so before or after the allocator's own
// hook.

#include <limits.h>
#include <stdatomic.h>

#include "tests/abi/check.h"

enum { kKeys = 12, kThreads = 300 };

struct Value {
    int round;
    int key;
    void* block;
};

static pthread_key_t keys[kKeys];
static atomic_int destructor_runs;
static _Atomic(void*) left_behind;

static struct Value* new_value(int key, int round)
{
    const size_t size = (size_t)(key * 531 + round * 97 + 1);
    struct Value* value = malloc(sizeof *value);
    CHECK(value != NULL, "expected malloc in round %d to succeed, seen NULL", round);
    value->round = round;
    value->key = key;
    value->block = malloc(size);
    fill(value->block, size, (uint64_t)key);
    return value;
}

static void destroy(void* argument)
{
    struct Value* value = argument;
    const size_t size = (size_t)(value->key * 531 + value->round * 97 + 1);
    CHECK_FILLED(value->block, size, (uint64_t)value->key);
    atomic_fetch_add(&destructor_runs, 1);
    if (value->round < PTHREAD_DESTRUCTOR_ITERATIONS) {
        pthread_setspecific(keys[value->key], new_value(value->key, value->round + 1));
    }
    free(value->block);
    free(value);
    free(atomic_exchange(&left_behind, malloc(size + 40)));
}

static void* set_values(void* unused)
{
    for (int key = 0; key < kKeys; ++key) {
        pthread_setspecific(keys[key], new_value(key, 1));
    }
    return unused;
}

// In .preinit_array, so before the constructors of all libraries and before anything allocates.
static void make_early_keys(void)
{
    for (int key = 0; key < kKeys / 2; ++key) {
        pthread_key_create(&keys[key], destroy);
    }
}

__attribute__((section(".preinit_array"),
               used)) static void (*const run_early)(void) = make_early_keys;

int main(void)
{
    watchdog(60);
    free(malloc(100));
    free(malloc(5 * MIB));
    for (int key = kKeys / 2; key < kKeys; ++key) {
        CHECK(pthread_key_create(&keys[key], destroy) == 0, "expected a key");
    }
    size_t after_warm_up = 0;
    for (int i = 0; i < kThreads; ++i) {
        pthread_t threads[] = {start_thread(set_values, NULL), start_thread(set_values, NULL)};
        join_thread(threads[0]);
        join_thread(threads[1]);
        if (i == kThreads / 10) {
            after_warm_up = resident_bytes();
        }
    }
    free(atomic_exchange(&left_behind, NULL));
    const int wanted = 2 * kThreads * kKeys * PTHREAD_DESTRUCTOR_ITERATIONS;
    CHECK(atomic_load(&destructor_runs) == wanted, "expected %d destructor runs, seen %d", wanted,
          atomic_load(&destructor_runs));
    CHECK(resident_bytes() < after_warm_up + 8 * MIB, "expected no growth, seen %zu KiB",
          (resident_bytes() - after_warm_up) / KIB);
    return 0;
}
