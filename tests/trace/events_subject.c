// SPDX-License-Identifier: MIT
//
// Makes calls of malloc that are known, of sizes that nobody else asks for.
//
// usage: events_subject known|handed|killed|child|bare_child|again

#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kHanded = 20000, kRoom = 64 };

pid_t _Fork(void);

static void* volatile kept[100];

/// 10 of 100003 bytes at once, of which 3 stay; 5 that are resized twice; 4 that are aligned.
static void known(void)
{
    for (int i = 0; i < 10; ++i) {
        kept[i] = malloc(100003);
    }
    for (int i = 0; i < 7; ++i) {
        free(kept[i]);
    }
    for (int i = 0; i < 5; ++i) {
        void* block = malloc(1009);
        block = realloc(block, 1013); // where it is
        block = realloc(block, 5003);
        free(block);
    }
    for (int i = 0; i < 4; ++i) {
        void* const block = aligned_alloc(512, 2048 + 512 * 7);
        free(block);
    }
    free(calloc(3, 1231));
}

static void* ring[kRoom];
static size_t put = 0;
static size_t taken = 0;

/// Frees what the other thread has allocated, as soon as there is something.
static void* take(void* unused)
{
    for (size_t i = 0; i < kHanded; ++i) {
        while (__atomic_load_n(&put, __ATOMIC_ACQUIRE) == i) {
            sched_yield();
        }
        free(ring[i % kRoom]);
        __atomic_store_n(&taken, i + 1, __ATOMIC_RELEASE);
    }
    return unused;
}

static void handed(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, take, NULL);
    for (size_t i = 0; i < kHanded; ++i) {
        while (i - __atomic_load_n(&taken, __ATOMIC_ACQUIRE) >= kRoom) {
            sched_yield();
        }
        ring[i % kRoom] = malloc(777);
        __atomic_store_n(&put, i + 1, __ATOMIC_RELEASE);
    }
    pthread_join(thread, NULL);
}

static void in_passing(int count)
{
    for (int i = 0; i < count; ++i) {
        kept[99] = malloc(777);
        free(kept[99]);
    }
}

int main(int argc, char** argv)
{
    if (argc < 2) {
        return 99;
    }
    if (strcmp(argv[1], "known") == 0) {
        known();
    } else if (strcmp(argv[1], "handed") == 0) {
        handed();
    } else if (strcmp(argv[1], "killed") == 0) {
        in_passing(40000);
        raise(SIGKILL);
    } else if (strcmp(argv[1], "again") == 0) {
        in_passing(20000);
        if (fork() == 0) {
            execl("/proc/self/exe", argv[0], "known", NULL);
        }
        wait(NULL);
        in_passing(20000);
    } else if (strcmp(argv[1], "child") == 0 || strcmp(argv[1], "bare_child") == 0) {
        in_passing(1);
        if ((argv[1][0] == 'b' ? _Fork() : fork()) == 0) {
            in_passing(40000);
            exit(0);
        }
        wait(NULL);
        in_passing(2);
    }
    return 0;
}
