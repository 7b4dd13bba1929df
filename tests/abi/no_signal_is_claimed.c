// SPDX-License-Identifier: MIT
//
// Promise: the allocator installs no signal handler and blocks no signal: they belong to the
// program.

#include "tests/abi/check.h"

int main(void)
{
    free(malloc(100));
    free(malloc(5 * MIB));
    for (int number = 1; number < NSIG; ++number) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) != 0) {
            continue;
        }
        CHECK(action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN,
              "expected no handler for signal %d, seen one", number);
    }
    sigset_t blocked;
    CHECK(pthread_sigmask(SIG_BLOCK, NULL, &blocked) == 0, "expected the signal mask");
    for (int number = 1; number < NSIG; ++number) {
        CHECK(sigismember(&blocked, number) != 1, "expected signal %d not blocked, seen it blocked",
              number);
    }
    return 0;
}
