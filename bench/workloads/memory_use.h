// SPDX-License-Identifier: MIT
//
// Resident memory of this process, read without malloc so that asking changes nothing.

#pragma once

#include <cstddef>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

namespace bench {

/// Bytes of resident memory. From /proc/self/smaps_rollup, which is exact: the figures in statm are
/// off by up to 64 pages per processor.
inline std::size_t resident_bytes()
{
    char text[4096];
    const int file = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
    const ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    if (length <= 0) return 0;
    text[length] = '\0';
    for (const char* at = text; *at != '\0'; ++at)
        if (at[0] == 'R' && at[1] == 's' && at[2] == 's' && at[3] == ':')
            return std::strtoul(at + 4, nullptr, 10) * 1024;
    return 0;
}

} // namespace bench
