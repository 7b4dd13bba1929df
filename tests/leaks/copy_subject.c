// SPDX-License-Identifier: MIT
//
// Is reported on by a copy of itself (stw=fork) and says what it has noticed of that.
//
// usage: copy_subject WAY GATE LOG; GATE: a file that the report waits for, LOG: where it will be

#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tarn/malloc.h>

static volatile sig_atomic_t ends_of_children = 0;

static void count_end(int signal)
{
    (void)signal;
    ++ends_of_children;
}

__attribute__((noinline)) static void lose(size_t size)
{
    memset(malloc(size), 1, size);
}

static void open_gate(const char* path)
{
    FILE* const gate = fopen(path, "w");
    fclose(gate);
}

/// Whether there is so much in the file, if need be after a while.
static int has_text(const char* path, const char* text)
{
    static char all[1 << 20];
    for (int i = 0; i < 2000; ++i) {
        FILE* const file = fopen(path, "r");
        if (file != NULL) {
            all[fread(all, 1, sizeof all - 1, file)] = '\0';
            fclose(file);
            if (strstr(all, text) != NULL) {
                return 1;
            }
        }
        usleep(10000);
    }
    return 0;
}

/// A child of its own and the copy: only the child is to be seen.
static void have_a_child(void)
{
    const pid_t child = fork();
    if (child == 0) {
        syscall(SYS_exit_group, 7);
    }
    int status = 0;
    const pid_t ended = waitpid(-1, &status, 0);
    printf("its child %d with %d, ", ended == child, WEXITSTATUS(status));
}

static void notice(const char* when)
{
    const pid_t ended = waitpid(-1, NULL, WNOHANG);
    printf("%s: %d %s, SIGCHLD %d\n", when, (int)ended, ended < 0 ? strerrorname_np(errno) : "-",
           (int)ends_of_children);
}

static void run_on(const char* gate, const char* log)
{
    int ends[2];
    if (pipe(ends) != 0) {
        exit(99);
    }
    raise(SIGUSR2);
    have_a_child();
    notice("meanwhile");
    raise(SIGUSR2);
    close(ends[1]);
    struct pollfd end = {.fd = ends[0], .events = POLLIN, .revents = 0};
    printf("end of the pipe %d\n", poll(&end, 1, 5000)); // sooner than the report
    open_gate(gate);
    printf("report %d\n", has_text(log, "SUMMARY: "));
    usleep(100000); // until it has ended, too
    notice("after it");
    printf("lost %d\n", tarn_report_leaks());
    notice("after another");
}

/// From now on clone() and fork() give ENOMEM, as without memory, but not where memory is shared.
static void forbid_copies(void)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x100, 1, 0), // CLONE_VM
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOMEM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog filter = {sizeof program / sizeof program[0], program};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
        exit(99);
    }
}

/// Blocks, some of them free, whose pages a copy does not have.
static void hide_pages(void)
{
    enum { kBlocks = 2000, kSize = 64 };
    static char* blocks[kBlocks];
    for (int i = 0; i < kBlocks; ++i) {
        blocks[i] = malloc(kSize);
    }
    char* const page = (char*)((size_t)blocks[kBlocks / 2] & ~(size_t)4095);
    for (int i = 0; i < kBlocks; i += 2) {
        free(blocks[i]);
    }
    madvise(page, 4096, MADV_DONTFORK);
}

int main(int argc, char** argv)
{
    if (argc < 4) {
        return 99;
    }
    setbuf(stdout, NULL);
    signal(SIGCHLD, count_end);
    for (int i = 0; i < 3; ++i) {
        lose(100);
    }
    if (strcmp(argv[1], "adopter") == 0) {
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    } else if (strcmp(argv[1], "refused") == 0) {
        forbid_copies();
        return 0;
    } else if (strcmp(argv[1], "hidden") == 0) {
        hide_pages();
        return 0;
    } else if (strcmp(argv[1], "hidden_from_signal") == 0) {
        hide_pages();
        raise(SIGUSR2);
        printf("report %d\n", has_text(argv[3], "no leak report"));
        syscall(SYS_exit_group, 0);
    }
    run_on(argv[2], argv[3]);
    return 0;
}
