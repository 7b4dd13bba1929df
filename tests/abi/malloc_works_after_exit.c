// SPDX-License-Identifier: MIT
//
// Promise: malloc works after main has returned: in atexit() handlers, in the program's destructors
// and in those of the last library to go; blocks from before can be freed there. A pipe tells how
// far it came.

#include "tests/abi/check.h"

// In modules/exit_library.c: where to report that its destructor has allocated and freed.
extern int exit_library_pipe;

static void* from_main[22];
static int report[2];

static void use_heap(char stage)
{
    for (size_t i = 0; i < 22; ++i) {
        CHECK_FILLED(from_main[i], 16, i);
        free(from_main[i]);
        from_main[i] = malloc((size_t)20 << i);
        CHECK(from_main[i] != NULL, "expected malloc after exit to succeed, seen NULL");
        fill(from_main[i], 16, i);
    }
    CHECK(write(report[1], &stage, 1) == 1, "expected to report stage %c", stage);
}

static void at_exit(void)
{
    use_heap('a');
}

static void on_exit_handler(int status, void* unused)
{
    (void)status;
    (void)unused;
    use_heap('o');
}

__attribute__((destructor)) static void in_destructor(void)
{
    if (exit_library_pipe != 0) {
        use_heap('d');
    }
}

int main(void)
{
    char stages[8] = "";
    CHECK(pipe(report) == 0, "expected a pipe, seen errno %d", errno);
    const pid_t pid = fork();
    if (pid == 0) {
        exit_library_pipe = report[1];
        for (size_t i = 0; i < 22; ++i) {
            from_main[i] = malloc((size_t)20 << i);
            fill(from_main[i], 16, i);
        }
        atexit(at_exit);
        on_exit(on_exit_handler, NULL);
        return 0;
    }
    close(report[1]);
    expect_success(pid);
    const ssize_t length = read(report[0], stages, sizeof stages - 1);
    CHECK(length == 4 && strcmp(stages, "oadl") == 0,
          "expected the stages on_exit, atexit, destructor, library (oadl), seen '%s'", stages);
    return 0;
}
