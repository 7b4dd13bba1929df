// SPDX-License-Identifier: MIT
//
// Loses blocks below every kind of stack; each has a size of its own by which a report is searched.
//
//      stacks_subject PLUGIN OTHER_PLUGIN

#include <alloca.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <pthread.h>
#include <stdexcept>
#include <ucontext.h>
#include <unistd.h>

#include "tests/leaks/calls_apart.h"

namespace {

void* volatile sink;

void forget(void* block)
{
    sink = block;
    sink = nullptr;
}

[[gnu::always_inline]] inline void inlined_into()
{
    forget(std::malloc(1001));
}

APART void has_inlined()
{
    inlined_into();
    BEHIND;
}

APART void recurse(int depth)
{
    if (depth == 0)
        forget(std::malloc(1003));
    else
        recurse(depth - 1);
    BEHIND;
}

APART void realigned(int size)
{
    alignas(64) char buffer[128];
    char* const more = static_cast<char*>(alloca(static_cast<std::size_t>(size)));
    std::memset(buffer, 1, sizeof buffer);
    std::memset(more, 2, static_cast<std::size_t>(size));
    sink = buffer;
    sink = more;
    forget(std::malloc(1005));
    BEHIND;
}

void handler(int)
{
    forget(std::malloc(1007)); // no handler should; many do
    BEHIND;
}

APART void is_interrupted()
{
    ::raise(SIGUSR1);
    BEHIND;
}

ucontext_t main_context;
ucontext_t fiber_context;

APART void in_fiber()
{
    forget(std::malloc(1009));
    BEHIND;
}

void fiber()
{
    in_fiber();
    ::swapcontext(&fiber_context, &main_context);
}

APART void runs_fiber()
{
    static char stack[64 * 1024];
    ::getcontext(&fiber_context);
    fiber_context.uc_stack.ss_sp = stack;
    fiber_context.uc_stack.ss_size = sizeof stack;
    fiber_context.uc_link = nullptr;
    ::makecontext(&fiber_context, fiber, 0);
    ::swapcontext(&main_context, &fiber_context);
    std::memset(stack, 0, sizeof stack); // a pointer that is left there is one to be found
    std::memset(&fiber_context, 0, sizeof fiber_context);
    BEHIND;
}

APART void throws(int depth)
{
    if (depth == 0) throw std::runtime_error("expected");
    throws(depth - 1);
    BEHIND;
}

APART void catches()
{
    try {
        throws(3);
    } catch (const std::exception&) {
        forget(std::malloc(1011));
    }
    BEHIND;
}

APART void* in_thread(void*)
{
    forget(std::malloc(1013));
    BEHIND;
    return nullptr;
}

APART void runs_thread()
{
    pthread_t thread;
    ::pthread_create(&thread, nullptr, in_thread, nullptr);
    ::pthread_join(thread, nullptr);
    BEHIND;
}

APART void reallocates()
{
    forget(std::realloc(std::malloc(10), 1015));
    BEHIND;
}

APART void stays_in_place()
{
    void* const block = std::malloc(1020);
    forget(std::realloc(block, 1017));
    BEHIND;
}

APART void uses_new()
{
    forget(new char[1019]);
    BEHIND;
}

APART void uses_calloc()
{
    forget(std::calloc(1, 1021));
    BEHIND;
}

APART void aligns()
{
    void* block = nullptr;
    if (::posix_memalign(&block, 256, 1023) == 0) forget(block);
    BEHIND;
}

APART void is_large()
{
    forget(std::malloc(3000001));
    BEHIND;
}

/// Both plugins are the same but for their function's name, so that the second may be mapped where
/// the first was.
APART void uses_plugin(const char* path)
{
    void* const library = ::dlopen(path, RTLD_NOW);
    if (library == nullptr) std::abort();
    for (const char* const name : {"first_plugin", "second_plugin"})
        if (auto* const function = reinterpret_cast<void (*)()>(::dlsym(library, name))) function();
    ::dlclose(library);
    BEHIND;
}

APART void called_from_two_places(int size)
{
    forget(std::malloc(static_cast<std::size_t>(size)));
    BEHIND;
}

APART void one_place()
{
    called_from_two_places(1031);
    BEHIND;
}

APART void other_place()
{
    called_from_two_places(1033);
    BEHIND;
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 3) return 2;
    has_inlined();
    recurse(300);
    for (int i = 0; i < 3; ++i) {
        asm volatile("" : "+r"(i)); // one call, not three
        realigned(100 * i + 100);
    }
    ::signal(SIGUSR1, handler);
    is_interrupted();
    runs_fiber();
    catches();
    runs_thread();
    reallocates();
    stays_in_place();
    uses_new();
    uses_calloc();
    aligns();
    is_large();
    uses_plugin(argv[1]);
    uses_plugin(argv[2]);
    for (int i = 0; i < 5; ++i) {
        asm volatile("" : "+r"(i));
        one_place();
        other_place();
    }
    std::puts("done");
    return 0;
}
