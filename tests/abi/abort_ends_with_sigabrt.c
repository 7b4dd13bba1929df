// SPDX-License-Identifier: MIT
//
// Promise: abort() and a crash amid malloc-heavy threads end the process by SIGABRT and SIGSEGV,
// with a core where the system allows one: nothing catches, hides or hangs on them.

#include <stdatomic.h>
#include <sys/resource.h>

#include "tests/abi/check.h"

static atomic_int rounds;

static void* churn_for_ever(void* seed)
{
    uint64_t random = (uintptr_t)seed;
    void* blocks[64] = {NULL};
    for (;;) {
        const uint64_t value = next_random(&random);
        free(blocks[value % 64]);
        blocks[value % 64] = malloc(value / 64 % 50 == 0 ? 2 * MIB : value / 64 % 3000);
        atomic_fetch_add(&rounds, 1);
    }
    return NULL;
}

static void die(int signal_number)
{
    watchdog(20);
    start_thread(churn_for_ever, (void*)1);
    start_thread(churn_for_ever, (void*)2);
    while (atomic_load(&rounds) < 10000) {
        free(malloc(100));
    }
    if (signal_number == SIGABRT) {
        abort();
    }
    *(volatile int*)opaque(NULL) = 1;
}

int main(void)
{
    watchdog(60);
    char directory[] = "/tmp/abi_core.XXXXXX";
    CHECK(mkdtemp(directory) != NULL && chdir(directory) == 0,
          "expected a directory for cores, seen errno %d", errno);
    struct rlimit core;
    getrlimit(RLIMIT_CORE, &core);
    core.rlim_cur = core.rlim_max;
    setrlimit(RLIMIT_CORE, &core);
    const int signals[] = {SIGABRT, SIGSEGV, SIGABRT, SIGSEGV};
    int status = 0;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; ++i) {
        const pid_t pid = fork();
        if (pid == 0) {
            die(signals[i]);
        }
        CHECK(waitpid(pid, &status, 0) == pid, "expected the child, seen errno %d", errno);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == signals[i],
              "expected the end by signal %d, seen status 0x%x", signals[i], (unsigned)status);
        unlink("core");
    }
    // A core pattern with a pipe or a path need not report one: only the plain file is certain.
    char pattern[64] = "";
    const int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY);
    const ssize_t length = read(fd, pattern, sizeof pattern - 1);
    const int is_plain = length > 0 && strcmp(pattern, "core\n") == 0 && core.rlim_max != 0;
    rmdir(directory);
    CHECK(!is_plain || WCOREDUMP(status), "expected a core, seen status 0x%x", (unsigned)status);
    return 0;
}
