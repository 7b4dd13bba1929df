// SPDX-License-Identifier: MIT
//
// Allocates what is known, says "ready" and waits to be killed or for the end of its input:
//
//      state_subject known | threads | fork | bare_fork | vfork | exec | many [NUMBER]
//
// known: 100 blocks of 1000 bytes that stay (kept), 50 of 100 that go (gone). threads: 4 threads
// that allocate and free without an end, from new places now and then. fork, bare_fork, vfork:
// "known", then a child that allocates 30 blocks of 10 bytes (of_child) and lives as long as the
// process, which allocates 20 (of_parent); prints the child's number. exec: becomes "known". many:
// NUMBER places; afterwards "known".

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t _Fork(void);

#ifdef __clang__
#define APART __attribute__((noinline))
#else
#define APART __attribute__((noinline, noclone))
#endif

/// Keeps calls from becoming jumps.
#define BEHIND __asm__ volatile("" ::: "memory")

static void* blocks[200];
static volatile size_t one = 1; // keeps loops from becoming several calls

APART static void kept(void)
{
    for (size_t i = 0; i < 100 * one; ++i) {
        blocks[i] = malloc(1000);
    }
    BEHIND;
}

APART static void gone(void)
{
    for (size_t i = 0; i < 50 * one; ++i) {
        void* volatile block = malloc(100);
        free(block);
    }
    BEHIND;
}

APART static void of_child(void)
{
    for (size_t i = 0; i < 30 * one; ++i) {
        blocks[100 + i] = malloc(10);
    }
    BEHIND;
}

APART static void of_parent(void)
{
    for (size_t i = 0; i < 20 * one; ++i) {
        blocks[150 + i] = malloc(10);
    }
    BEHIND;
}

APART static void known(void)
{
    kept();
    gone();
    BEHIND;
}

/// A place for each number: its bits are the calls.
APART static void at_left(size_t number, size_t bits);
APART static void at_right(size_t number, size_t bits);

static void at(size_t number, size_t bits)
{
    if (bits == 0) {
        free(malloc(number % 500 + 1));
    } else if ((number >> (bits - 1)) % 2 == 0) {
        at_left(number, bits - 1);
    } else {
        at_right(number, bits - 1);
    }
}

APART static void at_left(size_t number, size_t bits)
{
    at(number, bits);
    BEHIND;
}

APART static void at_right(size_t number, size_t bits)
{
    at(number, bits);
    BEHIND;
}

static void* churn(void* start)
{
    for (size_t i = (size_t)start;; ++i) {
        at(i / 16, 16);
        free(malloc(i % 100));
    }
    return NULL;
}

static void ready(void)
{
    char c = 0;
    printf("ready\n");
    fflush(stdout);
    while (read(STDIN_FILENO, &c, 1) > 0) {
    }
}

static void with_child(pid_t child)
{
    if (child == 0) {
        of_child();
        ready();
        _exit(0);
    }
    of_parent();
    printf("%d\n", (int)child);
    ready();
}

int main(int argc, char** argv)
{
    const char* const what = argc > 1 ? argv[1] : "";
    setvbuf(stdout, NULL, _IONBF, 0);
    if (strcmp(what, "exec") == 0) {
        of_parent();
        execl(argv[0], argv[0], "known", (char*)NULL);
        return 1;
    }
    if (strcmp(what, "many") == 0) {
        const size_t count = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000;
        for (size_t i = 0; i < count; ++i) {
            at(i, 18);
        }
    }
    if (strcmp(what, "threads") == 0) {
        for (size_t i = 0; i < 4; ++i) {
            pthread_t thread;
            pthread_create(&thread, NULL, churn, (void*)(i << 18));
        }
        ready();
        return 0;
    }
    known();
    if (strcmp(what, "fork") == 0) {
        with_child(fork());
    } else if (strcmp(what, "bare_fork") == 0) {
        with_child(_Fork());
    } else if (strcmp(what, "vfork") == 0) {
        const pid_t child = vfork();
        if (child == 0) {
            of_child();
            _exit(0);
        }
        waitpid(child, NULL, 0);
        of_parent();
        ready();
    } else {
        ready();
    }
    return 0;
}
