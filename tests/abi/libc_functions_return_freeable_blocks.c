// SPDX-License-Identifier: MIT
//
// Promise: what libc allocates inside (strdup, asprintf, getline, realpath, memory streams ...)
// comes from the same heap: free(), realloc() and malloc_usable_size() accept it.

#include <dirent.h>
#include <malloc.h>
#include <wchar.h>

#include "tests/abi/check.h"

static void accept(const char* function, void* block, size_t least)
{
    CHECK(block != NULL, "expected %s to succeed, seen NULL", function);
    CHECK(malloc_usable_size(block) >= least,
          "expected at least %zu usable bytes from %s, seen %zu", least, function,
          malloc_usable_size(block));
    block = realloc(block, least + 1000);
    CHECK(block != NULL, "expected realloc of a block of %s, seen NULL", function);
    free(block);
}

static void check_line(void)
{
    char* line = NULL;
    size_t capacity = 0;
    FILE* file = fopen("/proc/self/status", "r");
    CHECK(file != NULL, "expected to open /proc/self/status, seen errno %d", errno);
    CHECK(getline(&line, &capacity, file) > 0, "expected a line, seen errno %d", errno);
    fclose(file);
    accept("getline", line, capacity);
}

static void check_stream(void)
{
    char* text = NULL;
    size_t length = 0;
    FILE* stream = open_memstream(&text, &length);
    CHECK(stream != NULL, "expected open_memstream to succeed, seen errno %d", errno);
    for (int i = 0; i < 100000; ++i) {
        fprintf(stream, "%d,", i);
    }
    fclose(stream);
    accept("open_memstream", text, length);
}

static void check_directory(void)
{
    struct dirent** entries = NULL;
    const int count = scandir("/", &entries, NULL, alphasort);
    CHECK(count > 0, "expected entries of /, seen %d", count);
    for (int i = 0; i < count; ++i) {
        accept("scandir", entries[i], 8);
    }
    accept("scandir", entries, (size_t)count * sizeof entries[0]);
}

int main(void)
{
    char* text = NULL;
    accept("strdup", strdup("a tarn is a small mountain lake"), 32);
    accept("strndup", strndup("a tarn is a small mountain lake", 6), 7);
    accept("wcsdup", wcsdup(L"tarn"), 5 * sizeof(wchar_t));
    accept("realpath", realpath("/proc/self/exe", NULL), 2);
    accept("getcwd", getcwd(NULL, 0), 2);
    CHECK(asprintf(&text, "%0200000d", 7) == 200000, "expected 200000 characters from asprintf");
    accept("asprintf", text, 200001);
    check_line();
    check_stream();
    check_directory();
    return 0;
}
