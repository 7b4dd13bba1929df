// SPDX-License-Identifier: MIT
//
// Promise: a crash handler that interrupts malloc or free anywhere, allocates blocks of several
// sizes to write its report, and ends the process, gets there. Arguments: the largest block size of
// the program; "warm" or "cold": whether the crash may hit the very first malloc.

#include <time.h>

#include "tests/abi/check.h"

enum { kRounds = 400 };

static void report_and_exit(int number)
{
    static const size_t sizes[] = {24, 1000, 40000, 3 * 1024 * 1024};
    char text[64];
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
        char* block = malloc(sizes[i]);
        CHECK(block != NULL, "expected malloc(%zu) in a handler to succeed, seen NULL", sizes[i]);
        block[0] = block[sizes[i] - 1] = 1;
        free(block);
        // A second one that stays: reports are rarely freed.
        CHECK(calloc(1, sizes[i]) != NULL, "expected calloc(%zu) to succeed, seen NULL", sizes[i]);
    }
    const int length = snprintf(text, sizeof text, "signal %d\n", number);
    const int null = open("/dev/null", O_WRONLY);
    CHECK(write(null, text, (size_t)length) == length, "expected to write the report");
    _exit(0);
}

static void strike_after(long nanoseconds)
{
    const struct sigaction action = {.sa_handler = report_and_exit};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGSEGV};
    const struct itimerspec once = {.it_value = {.tv_nsec = nanoseconds}};
    timer_t timer;
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0, "expected sigaction to succeed");
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "expected a timer, seen errno %d",
          errno);
    CHECK(timer_settime(timer, 0, &once, NULL) == 0, "expected the timer to start");
}

static void churn(uint64_t seed, size_t largest)
{
    void* blocks[32] = {NULL};
    uint64_t random = seed;
    for (;;) {
        const size_t i = next_random(&random) % 32;
        free(blocks[i]);
        const unsigned shift = (unsigned)(next_random(&random) % 22);
        blocks[i] = malloc(next_random(&random) % ((largest >> shift) + 1) + 1);
    }
}

int main(int argc, char** argv)
{
    CHECK(argc == 3, "expected two arguments, seen %d", argc - 1);
    const size_t largest = strtoul(argv[1], NULL, 10);
    if (strcmp(argv[2], "warm") == 0) {
        free(malloc(100));
        free(malloc(4 * MIB));
    }
    uint64_t random = 577215;
    watchdog(60);
    for (int round = 0; round < kRounds; ++round) {
        const uint64_t value = next_random(&random);
        const pid_t pid = fork();
        if (pid == 0) {
            watchdog(10);
            strike_after((long)(20000 + value % 3000000));
            churn(value | 1, largest);
        }
        expect_success(pid);
    }
    return 0;
}
