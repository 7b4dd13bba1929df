// SPDX-License-Identifier: MIT
//
// Loses memory in a shape that is known, then ends in the way that is asked for.
//
// usage: subject SHAPE END

#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <tarn/malloc.h>

#define NOINLINE __attribute__((noinline))

struct node {
    struct node* next;
    char rest[92];
};

static void* kept;
static void* volatile kept_too; // or nobody would ever write to it
static __thread void* volatile kept_by_thread;
static pthread_barrier_t barrier;

/// Overwrites what calls have left on the stack and in registers.
NOINLINE static void forget(void)
{
    volatile char waste[16384];
    memset((char*)waste, 0, sizeof waste);
#ifdef __x86_64__
    __asm__ volatile(
        "xor %%ecx, %%ecx\n\txor %%edx, %%edx\n\txor %%esi, %%esi\n\txor %%edi, %%edi\n\t"
        "xor %%r8d, %%r8d\n\txor %%r9d, %%r9d\n\txor %%r10d, %%r10d\n\t"
        "xor %%r11d, %%r11d"
        :
        :
        : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory");
#endif
}

static struct node* node(void)
{
    return calloc(1, sizeof(struct node));
}

NOINLINE static struct node* chain(int length)
{
    struct node* first = NULL;
    for (int i = 0; i < length; ++i) {
        struct node* const next = node();
        next->next = first;
        first = next;
    }
    return first;
}

NOINLINE static void close_ring(struct node* first)
{
    struct node* last = first;
    while (last->next != NULL) {
        last = last->next;
    }
    last->next = first;
}

static void* lose_in_thread(void* unused)
{
    char text[] = "lost by a thread";
    memcpy(malloc(100), text, sizeof text);
    return unused;
}

static void* hold_on_stack(void* unused)
{
    void* volatile held[2] = {malloc(100), NULL};
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    free(held[0]);
    return unused;
}

static void* hold_with_signals_blocked(void* unused)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    return hold_on_stack(unused);
}

/// The usual thread that takes all signals: it must not be given one of ours.
static void* hold_in_sigwait(void* unused)
{
    void* volatile held[2] = {malloc(100), NULL};
    sigset_t all;
    sigfillset(&all);
    pthread_barrier_wait(&barrier);
    int got = 0;
    while (sigwait(&all, &got) == 0) {
        fprintf(stderr, "sigwait got %d\n", got);
    }
    free(held[0]);
    return unused;
}

static void* read_stdin(void* unused)
{
    char line[10];
    pthread_barrier_wait(&barrier);
    return fgets(line, sizeof line, stdin) != NULL ? unused : NULL;
}

static void* hold_in_tls(void* unused)
{
    kept_by_thread = malloc(100);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return unused;
}

static ucontext_t main_context;
static ucontext_t fiber_context;

static void fiber(void)
{
    void* volatile held = malloc(100);
    swapcontext(&fiber_context, &main_context);
    free(held);
}

NOINLINE static void start(void* (*body)(void*), int waits)
{
    pthread_t thread;
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&thread, NULL, body, NULL);
    if (waits) {
        pthread_barrier_wait(&barrier);
        pthread_detach(thread);
    } else {
        pthread_join(thread, NULL);
    }
}

NOINLINE static void make(const char* shape)
{
    if (strcmp(shape, "nothing") == 0) {
        free(malloc(100));
    } else if (strcmp(shape, "block") == 0) {
        strcpy(malloc(100), "a block that nobody knows any more");
    } else if (strcmp(shape, "many") == 0) {
        for (int i = 0; i < 1000; ++i) {
            memset(malloc((size_t)(i % 40) * 16 + 8), 1, 8);
        }
    } else if (strcmp(shape, "chain") == 0) {
        chain(3);
    } else if (strcmp(shape, "ring") == 0) {
        close_ring(chain(3));
    } else if (strcmp(shape, "global") == 0) {
        kept = chain(3);
    } else if (strcmp(shape, "interior") == 0) {
        kept = (char*)chain(3) + 40;
    } else if (strcmp(shape, "both") == 0) {
        struct node* const first = chain(2);
        kept = (char*)first + 40;
        kept_too = first;
    } else if (strcmp(shape, "freed_holder") == 0) {
        struct node* const first = chain(2);
        kept = first;
        free(first);
    } else if (strcmp(shape, "mid") == 0) {
        memset(malloc(100000), 1, 100);
    } else if (strcmp(shape, "large") == 0) {
        memset(malloc(3000000), 1, 100);
    } else if (strcmp(shape, "large_chain") == 0) {
        void* volatile* const large = calloc(1, 3000000);
        large[200000] = node();
    } else if (strcmp(shape, "large_global") == 0) {
        void* volatile* const large = calloc(1, 3000000);
        large[200000] = node();
        kept = (void*)large;
    } else if (strcmp(shape, "grown") == 0) {
        kept = realloc(malloc(2000000), 9000000);
        free(kept);
        memset(realloc(malloc(2000000), 5000000), 1, 8);
    } else if (strcmp(shape, "aligned") == 0) {
        memset(aligned_alloc(4096, 8192), 1, 1);
    } else if (strcmp(shape, "ended_thread") == 0) {
        start(lose_in_thread, 0);
    } else if (strcmp(shape, "thread_stack") == 0) {
        start(hold_on_stack, 1);
    } else if (strcmp(shape, "thread_that_blocks_signals") == 0) {
        start(hold_with_signals_blocked, 1);
    } else if (strcmp(shape, "thread_in_sigwait") == 0) {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, NULL);
        start(hold_in_sigwait, 1);
        usleep(50000); // until it waits
    } else if (strcmp(shape, "guard_page") == 0) {
        kept = malloc(100);
        char* const pages =
            mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(pages, 1, 3 * 4096);
        madvise(pages + 4096, 4096, 102); // MADV_GUARD_INSTALL, Linux 6.13
    } else if (strcmp(shape, "block_and_reader_of_stdin") == 0) {
        strcpy(malloc(100), "a block that nobody knows any more");
        start(read_stdin, 1);
        usleep(50000);
    } else if (strcmp(shape, "thread_tls") == 0) {
        start(hold_in_tls, 1);
    } else if (strcmp(shape, "own_tls") == 0) {
        kept_by_thread = malloc(100);
    } else if (strcmp(shape, "fiber") == 0) {
        kept = malloc(65536);
        getcontext(&fiber_context);
        fiber_context.uc_stack.ss_sp = kept;
        fiber_context.uc_stack.ss_size = 65536;
        makecontext(&fiber_context, fiber, 0);
        swapcontext(&main_context, &fiber_context);
    } else {
        fprintf(stderr, "no such shape: %s\n", shape);
        _exit(99);
    }
}

static void* exit_in_thread(void* unused)
{
    exit(3);
    return unused;
}

static void* exit_after_main(void* unused)
{
    usleep(100000);
    return exit_in_thread(unused);
}

static void end(const char* way, char** arguments)
{
    if (strcmp(way, "return") == 0) {
        return;
    }
    if (strcmp(way, "exit") == 0) {
        exit(3);
    } else if (strcmp(way, "quick_exit") == 0) {
        quick_exit(3);
    } else if (strcmp(way, "_exit") == 0) {
        fflush(stdout);
        _exit(3);
    } else if (strcmp(way, "_Exit") == 0) {
        fflush(stdout);
        _Exit(3);
    } else if (strcmp(way, "abort") == 0) {
        fflush(stdout);
        abort();
    } else if (strcmp(way, "thread") == 0) {
        start(exit_in_thread, 0);
    } else if (strcmp(way, "thread_after_main") == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, exit_after_main, NULL);
        pthread_exit(NULL);
    } else if (strcmp(way, "pthread_exit") == 0) {
        pthread_exit(NULL);
    } else if (strncmp(way, "signal", 6) == 0) {
        fflush(stdout);
        raise(atoi(way + 6));
    } else if (strcmp(way, "fork") == 0) {
        fflush(stdout);
        const pid_t child = fork();
        if (child == 0) {
            exit(3);
        }
        int status = 0;
        waitpid(child, &status, 0);
        printf("child %d\n", WEXITSTATUS(status));
        fflush(stdout);
        kill(getpid(), SIGKILL); // no report of this process
    } else if (strcmp(way, "vfork") == 0) {
        const pid_t child = vfork();
        if (child == 0) {
            _exit(5);
        }
        int status = 0;
        waitpid(child, &status, 0);
        printf("child %d\n", WEXITSTATUS(status));
    } else if (strcmp(way, "demand") == 0) {
        printf("; lost %d", tarn_report_leaks != NULL ? tarn_report_leaks() : -2);
        fflush(stdout);
        kill(getpid(), SIGKILL); // no report at the end
    } else if (strcmp(way, "failed_exec") == 0) {
        execl("/nonexistent/program", "program", (char*)NULL);
        exit(3);
    } else {
        char* const next[] = {"sh", "-c", "exit 3", NULL};
        fflush(stdout);
        if (strcmp(way, "execve") == 0) {
            char* const environment[] = {"PATH=/bin:/usr/bin", NULL};
            execve("/bin/sh", next, environment);
        }
        unsetenv("LD_PRELOAD");
        if (strcmp(way, "execv") == 0) {
            execv("/bin/sh", next);
        } else if (strcmp(way, "execvp") == 0) {
            execvp("sh", next);
        } else if (strcmp(way, "execl") == 0) {
            execl("/bin/sh", "sh", "-c", "exit 3", (char*)NULL);
        } else if (strcmp(way, "execlp") == 0) {
            execlp("sh", "sh", "-c", "exit 3", (char*)NULL);
        } else if (strcmp(way, "execle") == 0) {
            execle("/bin/sh", "sh", "-c", "exit $N", (char*)NULL, (char*[]){"N=3", NULL});
        }
        fprintf(stderr, "no such way to end: %s\n", arguments[2]);
        _exit(99);
    }
}

int main(int argc, char** argv)
{
    if (argc < 3) {
        return 99;
    }
    printf("output of the program"); // stays in the buffer until the end
    make(argv[1]);
    forget();
    end(argv[2], argv);
    return 0;
}
