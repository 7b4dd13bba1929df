// SPDX-License-Identifier: MIT

#include "src/os/probe.h"

#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "src/base/text.h"
#include "src/os/errno_guard.h"
#include "src/os/file.h"

namespace tarn::os {

bool read_memory(std::uintptr_t address, void* to, std::size_t size)
{
    const ErrnoGuard guard;
    const iovec local{to, size};
    const iovec remote{reinterpret_cast<void*>(address), size};
    // The calling thread's id will do, and does also after the main thread has ended.
    const auto thread = static_cast<::pid_t>(::syscall(SYS_gettid));
    return ::process_vm_readv(thread, &local, 1, &remote, 1, 0) == static_cast<ssize_t>(size);
}

BreakArea break_area()
{
    const ErrnoGuard guard;
    SmallFile<1024> file;
    std::string_view text = file.read("/proc/self/stat");
    // Field 2 is the command in parentheses and may hold blanks; field 47 is start_brk.
    // Source: proc(5).
    text = slice(text, text.rfind(')'));
    for (int field = 2; field < 47; ++field)
        text = slice(text, std::min(text.find(' '), text.size()) + 1);
    BreakArea area;
    for (const char digit : text) {
        if (digit < '0' || digit > '9') break;
        area.start = area.start * 10 + static_cast<std::uintptr_t>(digit - '0');
    }
    area.end = reinterpret_cast<std::uintptr_t>(::sbrk(0));
    return area;
}

int process_limit(int process, int resource, const void* next, void* previous)
{
    return static_cast<int>(::syscall(SYS_prlimit64, process, resource, next, previous));
}

} // namespace tarn::os
