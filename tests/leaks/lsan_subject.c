// SPDX-License-Identifier: MIT
//
// Calls the interface of LeakSanitizer as programs do that know it: by weak reference.
//
//      lsan_subject WHAT

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#pragma weak __lsan_do_leak_check
#pragma weak __lsan_do_recoverable_leak_check
#pragma weak __lsan_ignore_object
#pragma weak __lsan_disable
#pragma weak __lsan_enable
#pragma weak __lsan_register_root_region
#pragma weak __lsan_unregister_root_region
void __lsan_do_leak_check(void);
int __lsan_do_recoverable_leak_check(void);
void __lsan_ignore_object(const void* block);
void __lsan_disable(void);
void __lsan_enable(void);
void __lsan_register_root_region(const void* start, size_t size);
void __lsan_unregister_root_region(const void* start, size_t size);

static void* volatile sink;

/// A block that leads to another one, both lost.
__attribute__((noinline)) static void* lose(void)
{
    void** const block = malloc(100);
    block[0] = malloc(200);
    sink = block;
    sink = NULL;
    return block;
}

/// Overwrites what calls have left behind.
__attribute__((noinline)) static void clean(void)
{
    volatile char stack[4096];
    memset((char*)stack, 0, sizeof stack);
}

int main(int argc, char** argv)
{
    const char* const what = argc > 1 ? argv[1] : "";
    if (!__lsan_do_leak_check) return puts("no interface"), 3;
    if (strcmp(what, "check") == 0) {
        lose();
        clean();
        __lsan_do_leak_check();
        puts("not reached");
    } else if (strcmp(what, "recoverable") == 0) {
        const int before = __lsan_do_recoverable_leak_check();
        lose();
        clean();
        const int after = __lsan_do_recoverable_leak_check();
        printf("%d %d\n", before, after);
    } else if (strcmp(what, "ignore") == 0) {
        __lsan_ignore_object(lose());
        __lsan_ignore_object(NULL);
    } else if (strcmp(what, "disable") == 0) {
        __lsan_disable();
        __lsan_disable();
        __lsan_enable();
        lose();
        __lsan_enable();
    } else if (strcmp(what, "enabled_again") == 0) {
        __lsan_disable();
        __lsan_enable();
        lose();
    } else {
        // Shared memory is no root by itself.
        void** const page =
            mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        __lsan_register_root_region(page, 4096);
        if (strcmp(what, "unregistered") == 0) __lsan_unregister_root_region(page, 4096);
        page[7] = lose();
    }
    clean();
    fflush(stdout);
    return 0;
}
