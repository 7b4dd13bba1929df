// SPDX-License-Identifier: MIT
//
// The ways to end that pass every destructor by: _exit, abort and exec; and exit, which a second
// thread may call while the report is made. Where no report is wanted they only pass the call on.

#include <csignal>
#include <cstdarg>
#include <cstddef>
#include <cstdlib>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/endings.h"
#include "preload/export.h"
#include "preload/leaks.h"
#include "preload/next.h"
#include "preload/signals.h"
#include "tracer/caller_state.h"

// NOLINTBEGIN(readability-identifier-naming,*-reserved-identifier,cert-dcl50-cpp): libc's names

namespace {

using Exec = int(const char*, char* const*, char* const*);
using ExecHere = int(const char*, char* const*);

constinit tarn::Next<void(int)> next_orderly_exit("exit");
constinit tarn::Next<void(int)> next_quick_exit("quick_exit");
constinit tarn::Next<void(int)> next_exit("_exit");
constinit tarn::Next<void(int)> next_iso_exit("_Exit");
constinit tarn::Next<void()> next_abort("abort");
constinit tarn::Next<Exec> next_execve("execve");
constinit tarn::Next<ExecHere> next_execv("execv");
constinit tarn::Next<ExecHere> next_execvp("execvp");

/// Not for longer than the report: a child of vfork() has its parent's thread-local variables.
[[gnu::always_inline]] inline int report_end_here(int status)
{
    const tarn::KnownCaller here(tarn::current_caller());
    return tarn::report_end(status);
}

[[noreturn, gnu::always_inline]] inline void end_now(int status, const tarn::Next<void(int)>& libc)
{
    const int reported = report_end_here(status);
    if (auto* const next = libc.get()) next(reported);
    for (;;)
        ::syscall(SYS_exit_group, reported);
}

[[gnu::always_inline]] inline void report_before_exec(const char* path)
{
    const tarn::KnownCaller here(tarn::current_caller());
    tarn::report_leaks_before_exec(path);
}

int exec(const char* path, char* const* arguments, char* const* environment)
{
    report_before_exec(path);
    if (Exec* const next = next_execve.get()) return next(path, arguments, environment);
    return static_cast<int>(::syscall(SYS_execve, path, arguments, environment));
}

int exec_here(const char* path, char* const* arguments)
{
    report_before_exec(path);
    if (ExecHere* const next = next_execv.get()) return next(path, arguments);
    return static_cast<int>(::syscall(SYS_execve, path, arguments, environ));
}

int exec_by_name(const char* file, char* const* arguments)
{
    report_before_exec(nullptr);
    if (ExecHere* const next = next_execvp.get()) return next(file, arguments);
    return ::execvpe(file, arguments, environ); // searches PATH and starts scripts
}

/// Arguments of execl and its kin, with the null pointer at their end: how many.
std::size_t count_arguments(const char* first, std::va_list* list)
{
    if (first == nullptr) return 1;
    std::size_t count = 2;
    std::va_list copy;
    va_copy(copy, *list);
    while (va_arg(copy, char*) != nullptr)
        ++count;
    va_end(copy);
    return count;
}

/// Calls `use` with them as an array, and `list` behind the null. On the stack: exec is called
/// where malloc may not be.
template <class Use> int with_arguments(const char* first, std::va_list* list, Use use)
{
    const std::size_t count = count_arguments(first, list);
    auto** const arguments = static_cast<char**>(__builtin_alloca(count * sizeof(char*)));
    arguments[0] = const_cast<char*>(first);
    for (std::size_t i = 1; i < count; ++i)
        arguments[i] = va_arg(*list, char*);
    return use(arguments);
}

[[noreturn, gnu::always_inline]] inline void end_in_order(int status,
                                                          const tarn::Next<void(int)>& end)
{
    if (!tarn::end_alone()) status = report_end_here(status);
    if (auto* const next = end.get()) next(status);
    // Before our constructor: there is nothing to report, and little to clean up.
    end_now(status, next_exit);
}

/// Before our constructor, which is told of libc's own. Source: abort(3).
[[noreturn]] void abort_by_hand()
{
    sigset_t set{};
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGABRT);
    ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    ::raise(SIGABRT);
    const struct sigaction standard {};
    ::sigaction(SIGABRT, &standard, nullptr);
    ::raise(SIGABRT);
    // The first process of a container, which no signal ends by default.
    for (;;)
        ::syscall(SYS_exit_group, 128 + SIGABRT);
}

} // namespace

TARN_EXPORT void exit(int status) noexcept
{
    end_in_order(status, next_orderly_exit);
}

TARN_EXPORT void quick_exit(int status) noexcept
{
    end_in_order(status, next_quick_exit);
}

TARN_EXPORT void _exit(int status)
{
    end_now(status, next_exit);
}

TARN_EXPORT void _Exit(int status)
{
    end_now(status, next_iso_exit);
}

// Its signal comes, too, but from deep within libc, whose frames hold what the stack held before.
TARN_EXPORT void abort() noexcept
{
    {
        const tarn::KnownCaller here(tarn::current_caller());
        tarn::report_before_abort();
    }
    if (auto* const next = next_abort.get()) next();
    abort_by_hand();
}

TARN_EXPORT int execve(const char* path, char* const arguments[], char* const environment[])
{
    return exec(path, arguments, environment);
}

TARN_EXPORT int execv(const char* path, char* const arguments[])
{
    return exec_here(path, arguments);
}

TARN_EXPORT int execvp(const char* file, char* const arguments[])
{
    return exec_by_name(file, arguments);
}

TARN_EXPORT int execl(const char* path, const char* first, ...)
{
    std::va_list list;
    va_start(list, first);
    const int result =
        with_arguments(first, &list, [&](char** all) { return exec_here(path, all); });
    va_end(list);
    return result;
}

TARN_EXPORT int execlp(const char* file, const char* first, ...)
{
    std::va_list list;
    va_start(list, first);
    const int result =
        with_arguments(first, &list, [&](char** all) { return exec_by_name(file, all); });
    va_end(list);
    return result;
}

TARN_EXPORT int execle(const char* path, const char* first, ...)
{
    std::va_list list;
    va_start(list, first);
    const int result = with_arguments(
        first, &list, [&](char** all) { return exec(path, all, va_arg(list, char**)); });
    va_end(list);
    return result;
}

// NOLINTEND(readability-identifier-naming,*-reserved-identifier,cert-dcl50-cpp)

void tarn::find_next_exits()
{
    next_orderly_exit.find();
    next_quick_exit.find();
    next_exit.find();
    next_iso_exit.find();
    next_abort.find();
    next_execve.find();
    next_execv.find();
    next_execvp.find();
}
