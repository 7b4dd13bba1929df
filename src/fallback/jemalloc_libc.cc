// SPDX-License-Identifier: MIT
//
// What jemalloc may use of libc: join_jemalloc.sh binds these names of its to the ones here.
//
// Three kinds. Calls that would take libtarn.so's independence (libm and libgcc_s would become
// DT_NEEDED) and are made only while profiling, which is off: they abort, saying so. Calls that
// would let the program's environment in: answered with nothing. Calls that would take a lock at
// a bad moment: dlsym (the loader's) and pthread_atfork (jemalloc's fork handlers would run at the
// wrong time; src/heap/heap_registry.cc keeps everybody out of it during a fork).

#include <cstddef>
#include <cstring>
#include <pthread.h>
#include <sys/types.h>

#include "src/base/print.h"

namespace {

[[noreturn]] void not_reached(const char* name)
{
    tarn::Printer(tarn::write_to_stderr)
        << "tarn: jemalloc called " << name << ", which only its profiler does\n";
    __builtin_abort();
}

} // namespace

// These bodies have no declaration but jemalloc's own calls.
#pragma GCC diagnostic ignored "-Wmissing-declarations"

extern "C" {

double tarn_je_exp(double)
{
    not_reached("exp");
}
double tarn_je_log(double)
{
    not_reached("log");
}
double tarn_je_round(double)
{
    not_reached("round");
}
int tarn_je_unwind_backtrace(void*, void*)
{
    not_reached("_Unwind_Backtrace");
}
std::size_t tarn_je_unwind_get_ip(void*)
{
    not_reached("_Unwind_GetIP");
}

/// MALLOC_CONF is for a jemalloc that the program itself brings.
char* tarn_je_secure_getenv(const char*)
{
    return nullptr;
}
/// /etc/malloc.conf likewise.
ssize_t tarn_je_readlink(const char*, char*, std::size_t)
{
    return -1;
}

int tarn_je_pthread_atfork(void (*)(), void (*)(), void (*)())
{
    return 0;
}
/// jemalloc looks up pthread_create for its background threads, which we never start.
void* tarn_je_dlsym(void*, const char* name)
{
    return std::strcmp(name, "pthread_create") == 0 ? reinterpret_cast<void*>(&pthread_create)
                                                    : nullptr;
}

} // extern "C"
