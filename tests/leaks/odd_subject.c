// SPDX-License-Identifier: MIT
//
// Does what a walker of stacks might not survive:
//
//      odd_subject coroutine           allocates on a stack that ends in a made-up return address
//      odd_subject far_frame           has a frame far away, below which nothing can be read
//      odd_subject fork_in_dlclose L   forks while another thread opens and closes the library L
//      odd_subject iconv               has libc load and unload modules by itself

#include <dlfcn.h>
#include <iconv.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/// Saves where it is in *save and goes on at `to`, as coroutine libraries do it.
void switch_stacks(void** save, void* to);
__asm__(".globl switch_stacks\nswitch_stacks:\n.cfi_startproc\n"
        "push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\n"
        "mov %rsp, (%rdi)\nmov %rsi, %rsp\n"
        "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\nret\n.cfi_endproc\n");

/// Never called, only returned to: a walker looks at the byte before it, in a function whose frame
/// is said to be above, where the stack has ended.
void leave_coroutine(void);
__asm__("function_before:\n.cfi_startproc\nxor %eax, %eax\nret\n.cfi_endproc\n"
        ".globl leave_coroutine\nleave_coroutine:\n.cfi_startproc\ncall back_to_main\nhlt\n"
        ".cfi_endproc\n");

static void* main_stack;
static void* coroutine_stack;

void back_to_main(void)
{
    switch_stacks(&coroutine_stack, main_stack);
}

static void coroutine(void)
{
    for (int i = 0; i < 100; ++i) {
        void* volatile block = malloc(100);
        free(block);
    }
}

static char* map(size_t size)
{
    return mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/// Runs `function` on the stack of `size` bytes at `stack`, which ends there.
static void run_on(char* stack, size_t size, void (*function)(void))
{
    mprotect(stack, size, PROT_READ | PROT_WRITE);
    void** top = (void**)(stack + size);
    *(uintptr_t*)--top = (uintptr_t)leave_coroutine;
    *(uintptr_t*)--top = (uintptr_t)function;
    switch_stacks(&main_stack, top - 6);
}

static void run_coroutine(void)
{
    run_on(map(65536 + 8192) + 4096, 65536, coroutine);
}

/// Calls `function`; says that its own frame is the one at `frame`.
void with_frame(void (*function)(void), void* frame);
__asm__(".globl with_frame\nwith_frame:\n.cfi_startproc\n"
        "push %rbp\n.cfi_adjust_cfa_offset 8\n.cfi_rel_offset %rbp, 0\n"
        "mov %rsi, %rbp\n.cfi_def_cfa %rbp, 16\ncall *%rdi\n"
        "pop %rbp\n.cfi_def_cfa %rsp, 8\n.cfi_restore %rbp\nret\n.cfi_endproc\n");

static char* far_page;

static void use_far_frame(void)
{
    with_frame(coroutine, far_page - 8);
}

/// The return address is the first word of a page that can be read, rbp's the last of one that
/// cannot. Further away than a walker looks at every page.
static void run_with_far_frame(void)
{
    char* const area = map(8 << 20);
    far_page = area + (4 << 20);
    mprotect(far_page, 4096, PROT_READ | PROT_WRITE);
    run_on(area + 4096, 65536, use_far_frame);
}

static atomic_int ended;

static void* open_and_close(void* path)
{
    while (!ended) {
        void* const library = dlopen(path, RTLD_NOW);
        if (library != NULL) dlclose(library);
    }
    return NULL;
}

static void fork_in_dlclose(char* path)
{
    pthread_t thread;
    pthread_create(&thread, NULL, open_and_close, path);
    for (int i = 0; i < 3000; ++i) {
        const pid_t child = fork();
        if (child == 0) {
            alarm(20);
            // Another place than the parent's calls, which have been looked up.
            void* volatile block = strdup("of the child");
            free(block);
            _exit(0);
        }
        int status = 0;
        waitpid(child, &status, 0);
        if (status != 0) exit(1);
    }
    ended = 1;
    pthread_join(thread, NULL);
}

static void use_iconv(void)
{
    const char* const names[] = {"ISO-8859-2", "KOI8-R", "EUC-JP",  "SHIFT_JIS",
                                 "BIG5",       "GBK",    "CP1251",  "CP437",
                                 "MACINTOSH",  "EUC-KR", "TIS-620", "UTF-7"};
    const unsigned count = sizeof names / sizeof *names;
    unsigned state = 1;
    for (int i = 0; i < 3000; ++i) {
        state = state * 1103515245 + 12345;
        const iconv_t one = iconv_open("UTF-8", names[(state >> 16) % count]);
        const iconv_t two = iconv_open("UTF-16", names[(state >> 20) % count]);
        if (one != (iconv_t)-1) iconv_close(one);
        if (two != (iconv_t)-1) iconv_close(two);
    }
}

int main(int argc, char** argv)
{
    if (argc > 1 && strcmp(argv[1], "coroutine") == 0) run_coroutine();
    if (argc > 1 && strcmp(argv[1], "far_frame") == 0) run_with_far_frame();
    if (argc > 2 && strcmp(argv[1], "fork_in_dlclose") == 0) fork_in_dlclose(argv[2]);
    if (argc > 1 && strcmp(argv[1], "iconv") == 0) use_iconv();
    puts("done");
    return 0;
}
