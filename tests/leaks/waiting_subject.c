// SPDX-License-Identifier: MIT
//
// Threads that wait in every way that a signal handler would end, and a main thread that has the
// leak report made again and again meanwhile; with an argument, by SIGUSR2 to each of them. Prints
// what a call returned that should not have.

#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int __lsan_do_recoverable_leak_check(void);
#pragma weak __lsan_do_recoverable_leak_check

enum { MILLISECONDS = 400 };
static const struct timespec SHORT = {.tv_nsec = MILLISECONDS * 1000000L};

static int pipe_ends[2]; // nobody writes
static int queue;
static volatile sig_atomic_t signals;

static int by_poll(void)
{
    return poll(&(struct pollfd){pipe_ends[0], POLLIN, 0}, 1, MILLISECONDS);
}
static int by_ppoll(void)
{
    return ppoll(NULL, 0, &SHORT, NULL);
}
static int by_select(void)
{
    struct timeval time = {.tv_usec = MILLISECONDS * 1000};
    return select(0, NULL, NULL, NULL, &time);
}
static int by_pselect(void)
{
    return pselect(0, NULL, NULL, NULL, &SHORT, NULL);
}
static int by_epoll(void)
{
    struct epoll_event event;
    return epoll_wait(epoll_create1(0), &event, 1, MILLISECONDS);
}
static int by_nanosleep(void)
{
    return nanosleep(&SHORT, NULL);
}
static int by_nanosleep_with_rest(void)
{
    struct timespec rest;
    return nanosleep(&SHORT, &rest);
}
static int by_usleep(void)
{
    return usleep(MILLISECONDS * 1000);
}
static int by_clock(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_sec += 1;
    return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

static int by_pause(void)
{
    return pause();
}
static int by_suspension(void)
{
    sigset_t none;
    sigemptyset(&none);
    return sigsuspend(&none);
}
static int by_endless_poll(void)
{
    return poll(NULL, 0, -1);
}
static int by_message(void)
{
    struct {
        long type;
        char text[8];
    } message;
    return (int)msgrcv(queue, &message, sizeof message.text, 0, 0);
}

static const struct Way {
    const char* name;
    int (*wait)(void);
    bool is_endless; // until a signal of the program's own comes
} WAYS[] = {{"poll", by_poll, false},
            {"ppoll", by_ppoll, false},
            {"select", by_select, false},
            {"pselect", by_pselect, false},
            {"epoll_wait", by_epoll, false},
            {"nanosleep", by_nanosleep, false},
            {"nanosleep with rest", by_nanosleep_with_rest, false},
            {"usleep", by_usleep, false},
            {"clock_nanosleep", by_clock, false},
            {"pause", by_pause, true},
            {"sigsuspend", by_suspension, true},
            {"endless poll", by_endless_poll, true},
            {"msgrcv", by_message, true}};
enum { COUNT = sizeof WAYS / sizeof *WAYS };

static volatile bool is_told[COUNT];

static void* wait_in_a_way(void* argument)
{
    const size_t number = (size_t)argument;
    const struct Way* way = &WAYS[number];
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    errno = 0;
    const int result = way->wait();
    const int error = errno;
    clock_gettime(CLOCK_MONOTONIC, &after);
    const long waited =
        (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
    if (way->is_endless) {
        if (result != -1 || error != EINTR || !is_told[number])
            printf("%s: %d, errno %d, %s\n", way->name, result, error,
                   is_told[number] ? "told" : "not told");
    } else if (result != 0 || waited < MILLISECONDS) {
        printf("%s: %d, errno %d, after %ld ms\n", way->name, result, error, waited);
    }
    return NULL;
}

static void note(int signal)
{
    (void)signal;
    ++signals;
}

int main(int count, char** arguments)
{
    (void)arguments;
    if (pipe(pipe_ends) != 0) return 2;
    queue = msgget(IPC_PRIVATE, 0600);
    const struct sigaction action = {.sa_handler = note}; // without SA_RESTART
    sigaction(SIGUSR1, &action, NULL);

    pthread_t threads[COUNT];
    for (size_t i = 0; i < COUNT; ++i)
        pthread_create(&threads[i], NULL, wait_in_a_way, (void*)i);
    // Longer than the waits: a call that began anew each time would never end.
    for (int i = 0; i < 8; ++i) {
        usleep(100000);
        if (count == 1) __lsan_do_recoverable_leak_check();
        for (size_t j = 0; count > 1 && j < COUNT; ++j)
            if (i < 2 || WAYS[j].is_endless) pthread_kill(threads[j], SIGUSR2);
    }
    for (size_t i = 0; i < COUNT; ++i)
        if (!WAYS[i].is_endless) pthread_join(threads[i], NULL);
    for (size_t i = 0; i < COUNT; ++i) {
        if (!WAYS[i].is_endless) continue;
        is_told[i] = true;
        pthread_kill(threads[i], SIGUSR1);
        pthread_join(threads[i], NULL);
    }
    msgctl(queue, IPC_RMID, NULL);
    printf("%d signals\n", (int)signals);
    return 0;
}
