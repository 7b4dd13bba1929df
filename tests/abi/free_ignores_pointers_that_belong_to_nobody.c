// SPDX-License-Identifier: MIT
//
// Promise: free() of a pointer that no allocator handed out (static data, the stack, the program's
// own mappings, nonsense) leaves it alone and the program goes on, as architecture.md decides.

#include <sys/mman.h>

#include "tests/abi/check.h"

static char array[64 * 1024];
static const char text[] = "read-only";

static void free_quietly(const char* what, const void* pointer)
{
    void* block = (void*)(uintptr_t)pointer;
    errno = 4711;
    free(opaque(block));
    CHECK(errno == 4711, "expected free of %s to leave errno at 4711, seen %d", what, errno);
}

static void* map(size_t size, int protection)
{
    void* area = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(area != MAP_FAILED, "expected mmap to succeed, seen errno %d", errno);
    return area;
}

int main(void)
{
    char local[4096];
    memset(local, 7, sizeof local);
    fill(array, sizeof array, 1);
    for (size_t offset = 0; offset < sizeof array; offset += 4096) {
        free_quietly("static data", array + offset + 16);
    }
    free_quietly("static data", array);
    free_quietly("the stack", local);
    free_quietly("the stack", local + 2048);
    free_quietly("read-only data", text);
    free_quietly("code", (const void*)(uintptr_t)main);

    // 16 bytes into a page is where glibc's mapped blocks start.
    char* area = map(4 * MIB, PROT_READ | PROT_WRITE);
    fill(area, 4 * MIB, 2);
    free_quietly("a mapping", area);
    free_quietly("a mapping", area + 16);
    free_quietly("a mapping", area + 4096 + 16);
    free_quietly("a mapping", area + 2 * MIB + 64);
    char* zeros = map(4 * MIB, PROT_READ | PROT_WRITE);
    free_quietly("an empty mapping", zeros + 16);
    free_quietly("an empty mapping", zeros + 1 * MIB);
    char* forbidden = map(4 * MIB, PROT_NONE);
    free_quietly("a mapping without access", forbidden);
    free_quietly("a mapping without access", forbidden + 16);
    free_quietly("nothing mapped at all", (void*)(uintptr_t)0x7000);

    CHECK_FILLED(array, sizeof array, 1);
    CHECK_FILLED(area, 4 * MIB, 2);
    CHECK(local[0] == 7 && local[4095] == 7, "expected the stack as written, seen it changed");
    for (size_t size = 1; size < 4 * MIB; size *= 3) {
        void* block = malloc(size);
        CHECK(block != NULL, "expected malloc(%zu) afterwards, seen NULL", size);
        memset(block, 1, size);
        free(block);
    }
    return 0;
}
