// SPDX-License-Identifier: MIT
//
// A program that becomes a daemon leaves its terminal, and the pipe that its caller reads until it
// ends: so do we.

#include <sys/syscall.h>
#include <unistd.h>

#include "preload/export.h"
#include "preload/next.h"
#include "src/os/file.h"

// NOLINTBEGIN(readability-identifier-naming): libc's names

TARN_EXPORT pid_t setsid() noexcept
{
    const auto session = static_cast<pid_t>(::syscall(SYS_setsid));
    if (session >= 0) tarn::os::forget_stderr();
    return session;
}

TARN_EXPORT int daemon(int keeps_directory, int keeps_files) noexcept
{
    tarn::Next<int(int, int)> libc("daemon");
    libc.find();
    const int result = libc.get()(keeps_directory, keeps_files);
    if (result == 0) tarn::os::forget_stderr();
    return result;
}

// NOLINTEND(readability-identifier-naming)
