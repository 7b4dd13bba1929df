/* SPDX-License-Identifier: MIT
 *
 * What a program in C does with the library: a heap of its own, over functions of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tarn/resources.h>

static size_t taken;

static void* take(void* context, size_t bytes, size_t alignment)
{
    (void)context;
    taken += bytes;
    return aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

static void give_back(void* context, void* block, size_t bytes, size_t alignment)
{
    (void)context;
    (void)alignment;
    taken -= bytes;
    free(block);
}

int main(void)
{
    const struct tarn_upstream upstream = {take, give_back, NULL};
    const struct tarn_heap_options options = {.size = sizeof options, .upstream = &upstream};
    struct tarn_heap* heap;
    int error = tarn_heap_create(&heap, &options);
    int blocks = 0;
    while (error == TARN_OK && blocks < 100) {
        void* block;
        error = tarn_heap_allocate(heap, 1000, 0, &block);
        if (error == TARN_OK) memset(block, blocks++, 1000);
    }
    const int is_used = taken >= 100000;
    tarn_heap_destroy(heap);
    printf("%d blocks, %s, %s\n", blocks, tarn_strerror(error),
           is_used && taken == 0 ? "all back" : "lost");
}
