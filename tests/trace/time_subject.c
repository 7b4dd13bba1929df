// SPDX-License-Identifier: MIT
//
// Uses memory in a known way for about half a second, in one thread or in several:
//
//      time_subject grow|hold|swing [THREADS]
//
// grow: each thread keeps 400 blocks of 4000 bytes, one more in each millisecond; hold: has 400 of
// them after a tenth of the time and frees and allocates one in each millisecond; swing: has 100,
// and then none, by turns.

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { kSteps = 400, kSize = 4000 };

static const char* how;

static void swing(void** blocks, int step)
{
    for (int i = 0; step % 50 == 0 && i < 100; ++i) {
        if (step / 50 % 2 == 0) {
            blocks[i] = malloc(kSize);
        } else {
            free(blocks[i]);
        }
    }
}

static void hold(void** blocks, int step)
{
    if (step < kSteps / 10) {
        for (int i = 0; i < 10; ++i) {
            blocks[10 * step + i] = malloc(kSize);
        }
        return;
    }
    free(blocks[step]);
    blocks[step] = malloc(kSize);
}

static void* run(void* argument)
{
    void** blocks = argument;
    for (int step = 0; step < kSteps; ++step) {
        if (strcmp(how, "grow") == 0) {
            blocks[step] = malloc(kSize);
        } else if (strcmp(how, "hold") == 0) {
            hold(blocks, step);
        } else {
            swing(blocks, step);
        }
        // As a program that does something else, but for what makes it look at the time.
        for (int i = 0; i < 64; ++i) {
            void* volatile block = malloc(10);
            free(block);
        }
        usleep(1000);
    }
    return NULL;
}

int main(int argc, char** argv)
{
    if (argc < 2) return 2;
    how = argv[1];
    static void* blocks[8][kSteps];
    const int threads = argc > 2 ? atoi(argv[2]) : 1;
    if (threads == 1) {
        run(blocks[0]);
        return 0;
    }
    pthread_t all[8];
    for (int i = 0; i < threads && i < 8; ++i) {
        pthread_create(&all[i], NULL, run, blocks[i]);
    }
    for (int i = 0; i < threads && i < 8; ++i) {
        pthread_join(all[i], NULL);
    }
    return 0;
}
