// SPDX-License-Identifier: MIT
//
// Promise: malloc_stats() prints figures to stderr, nothing to stdout.

#include <malloc.h>

#include "tests/abi/check.h"

static off_t size_of(int fd)
{
    return lseek(fd, 0, SEEK_END);
}

int main(void)
{
    char stdout_name[] = "/tmp/malloc_stats_stdout.XXXXXX";
    char stderr_name[] = "/tmp/malloc_stats_stderr.XXXXXX";
    const int stdout_file = mkstemp(stdout_name);
    const int stderr_file = mkstemp(stderr_name);
    const int terminal = dup(STDERR_FILENO);
    CHECK(stdout_file >= 0 && stderr_file >= 0 && terminal >= 0,
          "expected temporary files, seen errno %d", errno);
    unlink(stdout_name);
    unlink(stderr_name);
    dup2(stdout_file, STDOUT_FILENO);
    dup2(stderr_file, STDERR_FILENO);
    malloc_stats();
    fflush(NULL);
    dup2(terminal, STDERR_FILENO);
    CHECK(size_of(stderr_file) > 20, "expected figures on stderr, seen %ld bytes",
          (long)size_of(stderr_file));
    CHECK(size_of(stdout_file) == 0, "expected nothing on stdout, seen %ld bytes",
          (long)size_of(stdout_file));
    return 0;
}
