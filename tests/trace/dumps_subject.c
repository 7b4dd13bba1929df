// SPDX-License-Identifier: MIT
//
// Allocates so that profiles become due:
//
//      dumps_subject grow | shrink | wait | threads | fork | vfork
//      dumps_subject demand PATH...
//
// grow: 100 blocks of 100 KB that stay. shrink: they come and go, 10 at a time. wait: small ones
// for 300 ms. threads: 4 threads grow. fork, vfork: a child grows, and then the process itself.
// demand: calls tarn_dump_profile() with each path, "NULL" for none, and prints what it returns.

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <tarn/malloc.h>

enum { kBlocks = 100, kSize = 100000 };

static void* blocks[8][kBlocks];

__attribute__((noinline)) static void* grow(void* number)
{
    for (int i = 0; i < kBlocks; ++i) {
        errno = 4711;
        blocks[(size_t)number][i] = malloc(kSize);
        if (errno != 4711) {
            printf("errno %d\n", errno);
        }
    }
    return NULL;
}

static void shrink(void)
{
    for (int i = 0; i < kBlocks; ++i) {
        free(blocks[0][i % 10]);
        blocks[0][i % 10] = malloc(kSize);
    }
}

static long long milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void wait_a_while(void)
{
    for (const long long start = milliseconds(); milliseconds() < start + 300;) {
        free(malloc(10));
        usleep(100);
    }
}

static void run_threads(void)
{
    pthread_t threads[4];
    for (size_t i = 0; i < 4; ++i) {
        pthread_create(&threads[i], NULL, grow, (void*)i);
    }
    for (size_t i = 0; i < 4; ++i) {
        pthread_join(threads[i], NULL);
    }
}

static void run_child(pid_t child)
{
    if (child == 0) {
        grow((void*)1);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    grow((void*)2);
}

static void demand(char** paths)
{
    for (; *paths != NULL; ++paths) {
        if (tarn_dump_profile == NULL) {
            printf("no function\n");
            return;
        }
        errno = 0;
        const int result = tarn_dump_profile(strcmp(*paths, "NULL") == 0 ? NULL : *paths);
        printf("%d %d\n", result, errno);
        grow((void*)0);
    }
}

int main(int argc, char** argv)
{
    const char* const what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "grow") == 0) {
        grow(NULL);
    } else if (strcmp(what, "shrink") == 0) {
        shrink();
    } else if (strcmp(what, "wait") == 0) {
        wait_a_while();
    } else if (strcmp(what, "threads") == 0) {
        run_threads();
    } else if (strcmp(what, "fork") == 0) {
        run_child(fork());
    } else if (strcmp(what, "vfork") == 0) {
        const pid_t child = vfork();
        if (child == 0) {
            grow((void*)1);
            _exit(0);
        }
        waitpid(child, NULL, 0);
        grow((void*)2);
    } else if (strcmp(what, "demand") == 0) {
        demand(argv + 2);
    } else {
        return 99;
    }
    return 0;
}
