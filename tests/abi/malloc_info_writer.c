// SPDX-License-Identifier: MIT
//
// Run by malloc_info_reads_as_glibc_xml.py: holds blocks of all sizes in two threads and prints,
// first, the number of live bytes, then the output of malloc_info() into a stream that itself
// allocates.

#include <malloc.h>

#include "tests/abi/check.h"

static void* hold_blocks(void* total)
{
    for (size_t size = 1; size <= 3 * MIB; size *= 2) {
        void* block = malloc(size);
        CHECK(block != NULL, "expected malloc(%zu) to succeed, seen NULL", size);
        memset(opaque(block), 1, size);
        *(size_t*)total += size;
        free(malloc(size + 100));
    }
    return NULL;
}

int main(void)
{
    size_t total = 0;
    hold_blocks(&total);
    join_thread(start_thread(hold_blocks, &total));
    char* text = NULL;
    size_t length = 0;
    FILE* stream = open_memstream(&text, &length);
    CHECK(stream != NULL, "expected open_memstream to succeed, seen errno %d", errno);
    const int answer = malloc_info(0, stream);
    CHECK(answer == 0, "expected malloc_info to return 0, seen %d", answer);
    CHECK(fclose(stream) == 0 && length > 0, "expected output, seen %zu bytes", length);
    printf("%zu\n%s", total, text);
    free(text);
    return 0;
}
