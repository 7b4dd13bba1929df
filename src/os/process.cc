// SPDX-License-Identifier: MIT

#include "src/os/process.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/base/print.h"
#include "src/base/text.h"
#include "src/os/errno_guard.h"
#include "src/os/file.h"

// libc's own, exported since glibc 2.2 but in no header. Weak: a libc without them has no such
// lock.
extern "C" {
[[gnu::weak]] void _IO_list_lock(void);      // NOLINT(*-reserved-identifier): libc's name
[[gnu::weak]] void _IO_list_unlock(void);    // NOLINT(*-reserved-identifier): libc's name
[[gnu::weak]] void _IO_list_resetlock(void); // NOLINT(*-reserved-identifier): libc's name
}

namespace tarn::os {

namespace {

constinit pthread_key_t exit_key{};
constinit std::uint64_t original_id = 0; // of a copy; 0: this is none

bool is_ours(std::string_view entry)
{
    return has_prefix(entry, "TARN=") || has_prefix(entry, "TARN_");
}

/// The environment as the kernel passed it, for the time before libc has looked at it.
std::string_view kernel_environment()
{
    static constinit SmallFile<16384> file{};
    return file.read("/proc/self/environ");
}

} // namespace

std::uint64_t clock_milliseconds()
{
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1000 +
           static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
}

std::uint64_t wall_clock_seconds()
{
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<std::uint64_t>(now.tv_sec);
}

std::uint64_t random_number()
{
    const ErrnoGuard guard;
    std::uint64_t number = 0;
    if (::syscall(SYS_getrandom, &number, sizeof number, GRND_NONBLOCK) == sizeof number)
        return number;
    // Early in the start of a machine there may be none yet; the kernel gives each process some.
    std::memcpy(&number, reinterpret_cast<const void*>(::getauxval(AT_RANDOM)), sizeof number);
    return number;
}

std::uint64_t process_id()
{
    return original_id != 0 ? original_id : static_cast<std::uint64_t>(::getpid());
}

void set_process_id(std::uint64_t original)
{
    original_id = original;
}

std::uint64_t start_of_process(std::uint64_t process)
{
    FixedText<64> path;
    path << "/proc/" << process << "/stat";
    SmallFile<1024> file;
    std::string_view text = file.read(path.c_str());
    // Field 2 is the command in parentheses and may hold blanks; field 22 is starttime.
    // Source: proc(5).
    text = slice(text, text.rfind(')'));
    if (has_prefix(text, ") Z") || has_prefix(text, ") X")) return 0;
    for (int field = 2; field < 22; ++field)
        text = slice(text, std::min(text.find(' '), text.size()) + 1);
    std::uint64_t start = 0;
    for (const char digit : text) {
        if (digit < '0' || digit > '9') break;
        start = start * 10 + static_cast<std::uint64_t>(digit - '0');
    }
    return start;
}

std::size_t host_name(std::span<char> room)
{
    const ErrnoGuard guard;
    if (::gethostname(room.data(), room.size()) != 0) return 0;
    return static_cast<std::size_t>(std::ranges::find(room, '\0') - room.begin());
}

std::string_view executable_name()
{
    static constinit std::array<char, 4096> path{};
    const ErrnoGuard guard;
    const ssize_t length = ::readlink("/proc/thread-self/exe", path.data(), path.size());
    if (length <= 0) return "unknown";
    const std::string_view whole{path.data(), static_cast<std::size_t>(length)};
    std::replace_if(path.begin(), path.begin() + length, is_control, ' ');
    return slice(whole, whole.rfind('/') + 1);
}

std::size_t own_environment(std::span<std::string_view> entries)
{
    if (::getauxval(AT_SECURE) != 0) return 0;
    std::size_t count = 0;
    const auto add = [&](std::string_view entry) {
        if (is_ours(entry) && count < entries.size()) entries[count++] = entry;
    };
    if (::environ != nullptr) {
        for (char** entry = ::environ; *entry != nullptr; ++entry)
            add(*entry);
        return count;
    }
    std::string_view rest = kernel_environment();
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('\0'), rest.size());
        add(slice(rest, 0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return count;
}

bool prepare_barrier()
{
    const ErrnoGuard guard;
    return ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

bool barrier_in_all_threads()
{
    const ErrnoGuard guard;
    if (::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0) return true;
    return prepare_barrier() &&
           ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}

void yield_processor()
{
    ::sched_yield();
}

bool set_thread_exit_hook(ThreadExitHook hook)
{
    return ::pthread_key_create(&exit_key, hook) == 0;
}

void arm_thread_exit(void* argument)
{
    const ErrnoGuard guard;
    ::pthread_setspecific(exit_key, argument);
}

void lock_stdio()
{
    if (_IO_list_lock != nullptr) _IO_list_lock();
}

void unlock_stdio()
{
    if (_IO_list_unlock != nullptr) _IO_list_unlock();
}

void reset_stdio_lock()
{
    if (_IO_list_resetlock != nullptr) _IO_list_resetlock();
}

} // namespace tarn::os
