// SPDX-License-Identifier: MIT
//
// Promise: a vfork() child that fails to exec, and one that allocates before it does, as shells and
// system() replacements do, leave the parent's heap sound.

#include "tests/abi/check.h"

int main(void)
{
    watchdog(30);
    void* volatile from_child = NULL;
    for (size_t round = 0; round < 500; ++round) {
        void* mine = malloc(2000);
        fill(mine, 2000, round);
        const pid_t pid = vfork();
        if (pid == 0) {
            char* argv[] = {NULL};
            from_child = malloc(round % 3000 + 1);
            free(malloc(3 * MIB));
            execv("/does/not/exist", argv);
            _exit(errno == ENOENT ? 0 : 3);
        }
        expect_success(pid);
        CHECK_FILLED(mine, 2000, round);
        free(from_child);
        free(mine);
    }
    return 0;
}
