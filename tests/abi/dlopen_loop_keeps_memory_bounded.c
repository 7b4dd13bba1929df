// SPDX-License-Identifier: MIT
//
// Promise: loading, using and unloading a library that allocates, in its constructor too, does not
// make the process grow. Arguments: the plugin, number of rounds.

#include <dlfcn.h>

#include "tests/abi/check.h"

static void* use_plugin(void* plugin)
{
    int (*use)(int);
    *(void**)&use = dlsym(plugin, "use_memory");
    CHECK(use != NULL, "expected use_memory in the plugin, seen %s", dlerror());
    CHECK(use(300) == 300, "expected 300 from the plugin, seen another value");
    return NULL;
}

int main(int argc, char** argv)
{
    CHECK(argc == 3, "expected two arguments, seen %d", argc - 1);
    const int rounds = atoi(argv[2]);
    watchdog(60);
    size_t after_warm_up = 0;
    for (int round = 0; round < rounds; ++round) {
        void* plugin = dlopen(argv[1], RTLD_NOW);
        CHECK(plugin != NULL, "expected to load the plugin, seen %s", dlerror());
        use_plugin(plugin);
        join_thread(start_thread(use_plugin, plugin));
        CHECK(dlclose(plugin) == 0, "expected to unload the plugin, seen %s", dlerror());
        if (round == rounds / 5) {
            after_warm_up = resident_bytes();
        }
    }
    const size_t end = resident_bytes();
    CHECK(end < after_warm_up + 4 * MIB, "expected no growth over %d rounds, seen %zu KiB", rounds,
          (end - after_warm_up) / KIB);
    return 0;
}
