// SPDX-License-Identifier: MIT
//
// Promise: setrlimit() and prlimit(), which the preload stands in front of to make room under
// RLIMIT_AS, set, report and refuse as libc's do, for every resource and for other processes.

#include <sys/resource.h>

#include "tests/abi/check.h"

static void set_and_read_back(enum __rlimit_resource resource, rlim_t soft)
{
    struct rlimit before;
    struct rlimit after;
    CHECK(getrlimit(resource, &before) == 0, "expected getrlimit to succeed, seen errno %d", errno);
    const struct rlimit wanted = {soft, before.rlim_max};
    errno = 4711;
    CHECK(setrlimit(resource, &wanted) == 0, "expected to set resource %d, seen errno %d", resource,
          errno);
    CHECK(errno == 4711, "expected errno untouched at 4711, seen %d", errno);
    CHECK(getrlimit(resource, &after) == 0 && after.rlim_cur == soft,
          "expected the limit %zu of resource %d, seen %zu", (size_t)soft, resource,
          (size_t)after.rlim_cur);
    struct rlimit old;
    CHECK(prlimit(0, resource, &before, &old) == 0 && old.rlim_cur == soft,
          "expected prlimit to return the old limit %zu, seen %zu", (size_t)soft,
          (size_t)old.rlim_cur);
    CHECK(getrlimit(resource, &after) == 0 && after.rlim_cur == before.rlim_cur,
          "expected the limit restored to %zu, seen %zu", (size_t)before.rlim_cur,
          (size_t)after.rlim_cur);
}

static void expect_error(int error, int result)
{
    CHECK(result == -1 && errno == error, "expected -1 and errno %d, seen %d and errno %d", error,
          result, errno);
}

int main(void)
{
    free(malloc(100));
    set_and_read_back(RLIMIT_AS, 900 * MIB);
    set_and_read_back(RLIMIT_AS, RLIM_INFINITY);
    set_and_read_back(RLIMIT_NOFILE, 100);
    set_and_read_back(RLIMIT_CORE, 0);
    set_and_read_back(RLIMIT_STACK, 4 * MIB);

    struct rlimit limit = {.rlim_cur = 20, .rlim_max = 10};
    expect_error(EINVAL, setrlimit(RLIMIT_AS, &limit));
    expect_error(EINVAL, setrlimit((__rlimit_resource_t)99, &limit));
    expect_error(ESRCH, prlimit(0x3fffffff, RLIMIT_AS, NULL, &limit));

    const pid_t child = fork();
    if (child == 0) {
        pause();
    }
    const struct rlimit for_child = {500 * MIB, 500 * MIB};
    CHECK(prlimit(child, RLIMIT_AS, &for_child, NULL) == 0, "expected to limit the child, seen %d",
          errno);
    CHECK(prlimit(child, RLIMIT_AS, NULL, &limit) == 0 && limit.rlim_cur == 500 * MIB,
          "expected the child's limit, seen %zu", (size_t)limit.rlim_cur);
    CHECK(getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != 500 * MIB,
          "expected the parent's own limit as it was, seen the child's");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return 0;
}
