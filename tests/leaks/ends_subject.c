// SPDX-License-Identifier: MIT
//
// Loses one block of 777 bytes and then ends while something else goes on:
//
//      ends_subject malloc         by SIGTERM, which may hit a thread that is inside malloc
//      ends_subject fork           by SIGTERM, which may hit a thread that is inside fork
//      ends_subject exits          two threads call exit at once, with 3 and 4
//      ends_subject quick_exits    two threads call quick_exit at once
//      ends_subject _exits         two threads call _exit at once
//      ends_subject joins          in exit a thread is joined that calls exit, too
//      ends_subject ignores_children   with 3, while SIGCHLD is ignored
//      ends_subject no_memory      with 3, when the system gives no memory any more
//      ends_subject _exit          with 3
//      ends_subject execve         by becoming a shell that ends with 3
//      ends_subject execvp         the same, which is found in the last directory of PATH
//      ends_subject raise          by SIGTERM, when a handler for it has come and gone

#define _GNU_SOURCE
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void* volatile sink;
static pthread_barrier_t barrier;
static const char* way;

static int is(const char* name)
{
    return strcmp(way, name) == 0;
}

__attribute__((noinline)) static void lose(void)
{
    sink = malloc(777);
    sink = NULL;
}

/// Overwrites what calls have left behind.
__attribute__((noinline)) static void clean(void)
{
    volatile char stack[16384];
    memset((char*)stack, 0, sizeof stack);
}

static void* work(void* unused)
{
    for (;;) {
        if (is("fork")) {
            const pid_t child = fork();
            if (child == 0) _exit(0);
            waitpid(child, NULL, 0);
        }
        for (size_t i = 0; i < 20; ++i) {
            void* volatile block = malloc(i * 100);
            free(block);
        }
    }
    return unused;
}

static void end_by_signal_at_work(void)
{
    pthread_t threads[3];
    for (int i = 0; i < 3; ++i) {
        pthread_create(&threads[i], NULL, work, NULL);
    }
    usleep(10000);
    // Whether it hits them or this thread.
    if (getpid() % 2 == 0) pthread_kill(threads[1], SIGTERM);
    kill(getpid(), SIGTERM);
    for (;;) {
        pause();
    }
}

static void* end(void* status)
{
    pthread_barrier_wait(&barrier);
    const int number = *(int*)status;
    if (is("exits")) exit(number);
    if (is("quick_exits")) quick_exit(number);
    _exit(number);
    return NULL;
}

static void end_twice(void)
{
    static int statuses[2] = {3, 4};
    pthread_t thread;
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&thread, NULL, end, &statuses[0]);
    end(&statuses[1]);
}

static pthread_t joined;

static void* end_too(void* unused)
{
    usleep(10000);
    exit(4);
    return unused;
}

static void join(void)
{
    pthread_join(joined, NULL);
}

/// The thread that ends the process waits for one that does so, too.
static void end_and_join(void)
{
    atexit(join);
    pthread_create(&joined, NULL, end_too, NULL);
    exit(3);
}

/// Not by setrlimit, which the allocator answers by making room first.
static void end_without_memory(void)
{
    const struct rlimit limit = {4096, 4096};
    syscall(SYS_prlimit64, 0, RLIMIT_AS, &limit, NULL);
    _exit(3);
}

static void ignore(int signal)
{
    (void)signal;
}

static void end_by_signal(void)
{
    struct sigaction action = {0};
    struct sigaction before;
    action.sa_handler = ignore;
    if (sigaction(SIGTERM, &action, &before) != 0 || before.sa_handler != SIG_DFL) _exit(98);
    raise(SIGTERM);
    sigaction(SIGTERM, &before, &action);
    if (action.sa_handler != ignore) _exit(97);
    raise(SIGTERM);
}

static void* end_on_a_small_stack(void* unused)
{
    if (is("small_exit")) exit(3);
    if (is("small__exit")) _exit(3);
    if (is("small_abort")) abort();
    return unused;
}

/// 16 KiB, of which a signal takes three to eleven.
static void end_in_a_thread(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN);
    pthread_create(&thread, &attributes, end_on_a_small_stack, NULL);
    pthread_join(thread, NULL);
}

int main(int argc, char** argv)
{
    way = argc > 1 ? argv[1] : "";
    if (is("abort")) {
        lose(); // and nothing overwrites what the call has left
        abort();
    }
    char* const shell[] = {"sh", "-c", "exit 3", NULL};
    char* const environment[] = {NULL};
    lose();
    clean();
    if (is("small_exit") || is("small__exit") || is("small_abort")) end_in_a_thread();
    if (is("malloc") || is("fork")) end_by_signal_at_work();
    if (is("exits") || is("quick_exits") || is("_exits")) end_twice();
    if (is("joins")) end_and_join();
    if (is("ignores_children")) {
        signal(SIGCHLD, SIG_IGN);
        _exit(3);
    }
    if (is("no_memory")) end_without_memory();
    if (is("_exit")) _exit(3);
    if (is("execve")) execve("/bin/sh", shell, environment);
    if (is("execvp")) {
        setenv("PATH", "/nowhere:/tmp:/proc:/nowhere/else:/usr/bin:/bin", 1);
        unsetenv("LD_PRELOAD");
        execvp("sh", shell);
    }
    if (is("raise")) end_by_signal();
    return 99;
}
