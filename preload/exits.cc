// SPDX-License-Identifier: MIT
//
// The ways to end that pass every destructor by: _exit and exec. They differ from libc's only where
// a report is wanted (leaks).

#include <cstdarg>
#include <cstddef>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/export.h"
#include "preload/leaks.h"

// NOLINTBEGIN(readability-identifier-naming,*-reserved-identifier,cert-dcl50-cpp): libc's names

namespace {

[[noreturn]] void end_now(int status)
{
    const int reported = tarn::report_leaks_at_end(status);
    for (;;)
        ::syscall(SYS_exit_group, reported);
}

int exec(const char* path, char* const* arguments, char* const* environment)
{
    tarn::report_leaks_before_exec();
    return static_cast<int>(::syscall(SYS_execve, path, arguments, environment));
}

/// Arguments of execl and its kin, up to the null pointer: how many, with that.
std::size_t count_arguments(const char* first, std::va_list list)
{
    if (first == nullptr) return 1;
    std::size_t count = 2;
    std::va_list copy;
    va_copy(copy, list);
    while (va_arg(copy, char*) != nullptr)
        ++count;
    va_end(copy);
    return count;
}

/// Copies them; `list` is behind the null afterwards.
void copy_arguments(char** arguments, const char* first, std::va_list list)
{
    *arguments++ = const_cast<char*>(first);
    if (first == nullptr) return;
    do
        *arguments = va_arg(list, char*);
    while (*arguments++ != nullptr);
}

} // namespace

TARN_EXPORT void _exit(int status)
{
    end_now(status);
}

TARN_EXPORT void _Exit(int status)
{
    end_now(status);
}

TARN_EXPORT int execve(const char* path, char* const arguments[], char* const environment[])
{
    return exec(path, arguments, environment);
}

TARN_EXPORT int execv(const char* path, char* const arguments[])
{
    return exec(path, arguments, environ);
}

TARN_EXPORT int execvp(const char* file, char* const arguments[])
{
    tarn::report_leaks_before_exec();
    return ::execvpe(file, arguments, environ); // libc's: it searches PATH and starts scripts
}

TARN_EXPORT int execl(const char* path, const char* first, ...)
{
    std::va_list list;
    va_start(list, first);
    auto** const arguments =
        static_cast<char**>(__builtin_alloca(count_arguments(first, list) * sizeof(char*)));
    copy_arguments(arguments, first, list);
    va_end(list);
    return exec(path, arguments, environ);
}

TARN_EXPORT int execlp(const char* file, const char* first, ...)
{
    std::va_list list;
    va_start(list, first);
    auto** const arguments =
        static_cast<char**>(__builtin_alloca(count_arguments(first, list) * sizeof(char*)));
    copy_arguments(arguments, first, list);
    va_end(list);
    return execvp(file, arguments);
}

TARN_EXPORT int execle(const char* path, const char* first, ...)
{
    std::va_list list;
    va_start(list, first);
    auto** const arguments =
        static_cast<char**>(__builtin_alloca(count_arguments(first, list) * sizeof(char*)));
    copy_arguments(arguments, first, list);
    auto** const environment = va_arg(list, char**);
    va_end(list);
    return exec(path, arguments, environment);
}

// NOLINTEND(readability-identifier-naming,*-reserved-identifier,cert-dcl50-cpp)
