// SPDX-License-Identifier: MIT
//
// Promise: abort() ends the process by SIGABRT also before any library's constructor has run, and
// whatever SIGABRT is set to: ignored, blocked, or handled by a function that returns.

#include <sys/resource.h>

#include "tests/abi/check.h"

static void ignore(int signal_number)
{
    (void)signal_number;
}

static void abort_early(int argc, char** argv, char** environment)
{
    (void)environment;
    if (argc != 2) {
        return;
    }
    if (strcmp(argv[1], "ignored") == 0) {
        signal(SIGABRT, SIG_IGN);
    }
    if (strcmp(argv[1], "handled") == 0) {
        signal(SIGABRT, ignore);
    }
    if (strcmp(argv[1], "blocked") == 0) {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGABRT);
        sigprocmask(SIG_BLOCK, &set, NULL);
    }
    abort();
}

__attribute__((section(".preinit_array"),
               used)) static void (*const run_early)(int, char**, char**) = abort_early;

int main(void)
{
    watchdog(60);
    const char* const ways[] = {"plain", "ignored", "handled", "blocked"};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; ++i) {
        const pid_t pid = fork();
        if (pid == 0) {
            const struct rlimit no_core = {0, 0};
            setrlimit(RLIMIT_CORE, &no_core);
            alarm(20); // outlives exec: a loop ends by SIGALRM
            execl("/proc/self/exe", "abort_before_main", ways[i], (char*)NULL);
            _exit(99);
        }
        int status = 0;
        CHECK(waitpid(pid, &status, 0) == pid, "expected the child, seen errno %d", errno);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
              "expected the end by SIGABRT (%s), seen status 0x%x", ways[i], (unsigned)status);
    }
    return 0;
}
