// SPDX-License-Identifier: MIT
//
// What every program of this folder shares: a CHECK that says what was expected and what was seen,
// a watchdog that turns a deadlock into a failure, blocks whose contents can be verified, and the
// resident size. Nothing here allocates: a broken malloc must not keep a test from reporting it.

#pragma once

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define KIB ((size_t)1024)
#define MIB (KIB * 1024)

/// CHECK(condition, "expected ..., seen ...", values): ends the process with 1 unless it holds.
#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            check_failed(__FILE__, __LINE__, __VA_ARGS__);                                         \
        }                                                                                          \
    } while (0)

/// Hides where a value comes from, so that the compiler neither folds an allocation away nor warns
/// about the misuse that is being tested.
#define OPAQUE(value) __asm__ volatile("" : "+r"(value) : : "memory")

__attribute__((format(printf, 3, 4), noreturn, unused)) static void
check_failed(const char* file, int line, const char* format, ...)
{
    const char* slash = strrchr(file, '/');
    char text[512];
    const int head = snprintf(text, sizeof text, "%s:%d: ", slash != NULL ? slash + 1 : file, line);
    const size_t used = (size_t)head;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, sizeof text - used - 1, format, arguments);
    va_end(arguments);
    const size_t length = strlen(text);
    text[length] = '\n';
    if (write(STDERR_FILENO, text, length + 1) < 0) {
        _exit(2);
    }
    // Not exit(): the failure may be in a forked child or in a thread that holds locks.
    _exit(1);
}

static char watchdog_text[128];

static inline void watchdog_bites(int signal_number)
{
    (void)signal_number;
    if (write(STDERR_FILENO, watchdog_text, strlen(watchdog_text)) < 0) {
        _exit(2);
    }
    _exit(1);
}

/// Ends the process with 1 and one line if it is still running after `seconds`.
/// fork() clears the alarm, so a child that may hang needs a watchdog of its own.
static inline void watchdog(unsigned seconds)
{
    snprintf(watchdog_text, sizeof watchdog_text,
             "watchdog: expected the end within %u s, seen a process still running (deadlock?)\n",
             seconds);
    signal(SIGALRM, watchdog_bites);
    alarm(seconds);
}

static inline void* opaque(void* block)
{
    OPAQUE(block);
    return block;
}

static inline size_t opaque_size(size_t size)
{
    OPAQUE(size);
    return size;
}

/// xorshift64*: the same sequence on every machine. *state must not be zero.
static inline uint64_t next_random(uint64_t* state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

static inline unsigned char pattern_byte(uint64_t seed, size_t index)
{
    return (unsigned char)(((seed + index) * UINT64_C(0x9e3779b97f4a7c15)) >> 56);
}

static inline void fill(void* block, size_t size, uint64_t seed)
{
    unsigned char* bytes = (unsigned char*)block;
    for (size_t i = 0; i < size; ++i) {
        bytes[i] = pattern_byte(seed, i);
    }
}

/// Returns the index of the first byte that fill() did not write, `size` if there is none.
static inline size_t first_damaged_byte(const void* block, size_t size, uint64_t seed)
{
    const unsigned char* bytes = (const unsigned char*)block;
    size_t i = 0;
    while (i < size && bytes[i] == pattern_byte(seed, i)) {
        ++i;
    }
    return i;
}

#define CHECK_FILLED(block, size, seed)                                                            \
    do {                                                                                           \
        const size_t damaged_ = first_damaged_byte(block, size, seed);                             \
        CHECK(damaged_ == (size), "expected %zu bytes as written, seen byte %zu changed",          \
              (size_t)(size), damaged_);                                                           \
    } while (0)

static inline size_t resident_bytes(void)
{
    char text[128];
    const int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0, "expected to open /proc/self/statm, seen errno %d", errno);
    const ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    CHECK(length > 0, "expected to read /proc/self/statm, seen errno %d", errno);
    text[length] = '\0';
    const char* second = strchr(text, ' ');
    CHECK(second != NULL, "expected two numbers in /proc/self/statm, seen '%s'", text);
    return (size_t)strtoull(second, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

static inline pthread_t start_thread(void* (*body)(void*), void* argument)
{
    pthread_t thread;
    const int error = pthread_create(&thread, NULL, body, argument);
    CHECK(error == 0, "expected pthread_create to return 0, seen %d", error);
    return thread;
}

static inline void join_thread(pthread_t thread)
{
    const int error = pthread_join(thread, NULL);
    CHECK(error == 0, "expected pthread_join to return 0, seen %d", error);
}

/// Waits for `child` and checks that it ended with exit status 0.
static inline void expect_success(pid_t child)
{
    int status = 0;
    CHECK(child > 0, "expected a child process, seen errno %d", errno);
    CHECK(waitpid(child, &status, 0) == child, "expected waitpid to find the child, seen errno %d",
          errno);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0,
          "expected the child to exit with 0, seen status 0x%x", (unsigned)status);
}
