// SPDX-License-Identifier: MIT
//
// Promise: fork() while other threads hold stdio's locks and malloc's at once neither hangs nor
// leaves a child that hangs. fork() takes stdio's list lock after all pthread_atfork handlers: an
// allocator that locks itself in one of those waits for ever for the thread that allocates under
// the stdio lock.

#include <stdatomic.h>
#include <stdbool.h>

#include "tests/abi/check.h"

enum { kRounds = 400 };

static atomic_bool stop;

static void open_write_close(void)
{
    FILE* file = fopen("/dev/null", "w");
    CHECK(file != NULL, "expected to open /dev/null, seen errno %d", errno);
    fprintf(file, "%s %d %f\n", "tarn", 42, 1.5);
    fclose(file);
}

static void read_lines(void)
{
    char* line = NULL;
    size_t capacity = 0;
    FILE* file = fopen("/proc/self/limits", "r");
    CHECK(file != NULL, "expected to open /proc/self/limits, seen errno %d", errno);
    while (getline(&line, &capacity, file) > 0) {
        free(malloc(capacity));
    }
    free(line);
    fclose(file);
}

static void* open_files(void* unused)
{
    while (!atomic_load(&stop)) {
        open_write_close();
        read_lines();
    }
    return unused;
}

static void* flush_all(void* unused)
{
    while (!atomic_load(&stop)) {
        // Walks every open stream under the list lock; a memory stream allocates while it is
        // flushed.
        char* text = NULL;
        size_t length = 0;
        FILE* stream = open_memstream(&text, &length);
        CHECK(stream != NULL, "expected open_memstream to succeed, seen errno %d", errno);
        for (int i = 0; i < 300; ++i) {
            fprintf(stream, "line %d\n", i);
        }
        fflush(NULL);
        fclose(stream);
        free(text);
    }
    return unused;
}

int main(void)
{
    watchdog(120);
    pthread_t threads[] = {start_thread(open_files, NULL), start_thread(open_files, NULL),
                           start_thread(flush_all, NULL)};
    for (int round = 0; round < kRounds; ++round) {
        const pid_t pid = fork();
        if (pid == 0) {
            watchdog(20);
            open_write_close();
            read_lines();
            fflush(NULL);
            _exit(0);
        }
        expect_success(pid);
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; ++i) {
        join_thread(threads[i]);
    }
    return 0;
}
