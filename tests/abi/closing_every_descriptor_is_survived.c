// SPDX-License-Identifier: MIT
//
// Promise: a daemon that closes all descriptors, the standard ones too, goes on allocating and
// exits normally; also with statistics switched on, which then have nowhere to go.

#include "tests/abi/check.h"

int main(void)
{
    const pid_t pid = fork();
    if (pid == 0) {
        watchdog(20);
        for (int fd = 0; fd < 1024; ++fd) {
            close(fd);
        }
        for (int round = 0; round < 10; ++round) {
            for (size_t size = 1; size < 20 * MIB; size *= 3) {
                void* block = malloc(size);
                if (block == NULL) {
                    _exit(3);
                }
                memset(block, 1, size);
                free(block);
            }
        }
        exit(0);
    }
    expect_success(pid);
    return 0;
}
