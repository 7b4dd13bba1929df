// SPDX-License-Identifier: MIT

#include "tracer/helper.h"

#include <array>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/print.h"
#include "src/base/text.h"
#include "src/base/units.h"
#include "src/os/memory.h"
#include "src/os/process.h"
#include "tracer/modules.h"
#include "tracer/own_code.h"

namespace tarn {

namespace {

constinit FixedText<PATH_MAX> path;

bool use(std::string_view directory, std::string_view file)
{
    path = {};
    path << directory << file;
    return path.view().size() < PATH_MAX && ::access(path.c_str(), X_OK) == 0;
}

/// The folder in which this library lies, with a slash.
FixedText<PATH_MAX> own_folder()
{
    FixedText<PATH_MAX> folder;
    const ModuleId own = module_table.find(own_code().start);
    const std::string_view name = own != kNoModule ? module_table[own].name : "";
    if (!has_prefix(name, "/")) {
        std::array<char, PATH_MAX> current;
        if (::syscall(SYS_getcwd, current.data(), current.size()) > 0)
            folder << std::string_view(current.data()) << "/";
    }
    const std::size_t slash = name.rfind('/');
    if (slash != std::string_view::npos) folder << slice(name, 0, slash + 1);
    return folder;
}

constexpr std::size_t kStack = KiB(64);
constexpr int kMostSeconds = 60;

struct Start {
    const char* command;
    const char* argument; // or null
    int input;
    int output;
    std::byte* stack_top; // of the helper
    int process;          // its number
};

/// In the helper's process, which still has our memory.
int exec_helper(void* context)
{
    const Start& start = *static_cast<const Start*>(context);
    ::dup2(start.input, STDIN_FILENO);
    ::dup2(start.output, STDOUT_FILENO);
#ifdef SYS_close_range
    ::syscall(SYS_close_range, 3, ~0U, 0);
#endif
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    const std::array<const char*, 4> arguments{path.c_str(), start.command, start.argument,
                                               nullptr};
    // Neither ourselves nor a network: DEBUGINFOD_URLS would have it ask one.
    const std::array<const char*, 3> environment{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", nullptr};
    // Not by execve(), which is ours and would report.
    ::syscall(SYS_execve, path.c_str(), arguments.data(), environment.data());
    return 127;
}

/// A process in between, whose end makes the helper nobody's child: what execve() starts tells its
/// parent by SIGCHLD, which the program would take for one of its own children.
int start_helper(void* context)
{
    Start& start = *static_cast<Start*>(context);
    start.process = ::clone(exec_helper, start.stack_top, CLONE_VM | CLONE_VFORK | SIGCHLD, &start);
    return 0;
}

/// Memory as a file with `contents`. Errors: -1.
int open_input(std::span<const char> contents)
{
    const int file = ::memfd_create("tarn", MFD_CLOEXEC);
    if (file < 0) return -1;
    for (std::size_t written = 0; written < contents.size();) {
        const ::ssize_t size = ::write(file, contents.data() + written, contents.size() - written);
        if (size <= 0) {
            ::close(file);
            return -1;
        }
        written += static_cast<std::size_t>(size);
    }
    ::lseek(file, 0, SEEK_SET);
    return file;
}

/// Adds what comes out of `file` until its end. Errors: false, none comes for a minute.
bool read_all(int file, MappedArray<char>& output)
{
    for (;;) {
        ::pollfd wait{.fd = file, .events = POLLIN, .revents = 0};
        if (::poll(&wait, 1, kMostSeconds * 1000) <= 0) return false;
        const std::size_t before = output.size();
        if (!output.resize(before + KiB(64))) return false;
        const ::ssize_t size = ::read(file, &output[before], KiB(64));
        output.resize(before + (size > 0 ? static_cast<std::size_t>(size) : 0));
        if (size <= 0) return size == 0;
    }
}

} // namespace

bool find_helper(std::string_view wanted)
{
    if (!wanted.empty()) {
        if (use("", wanted)) return true;
        path = {};
        return false;
    }
    const FixedText<PATH_MAX> folder = own_folder();
    // Installed in lib, or in lib/x86_64-linux-gnu, or not yet.
    for (const std::string_view place : {"../bin/tarn", "../../bin/tarn", "../tracer/command/tarn"})
        if (use(folder.view(), place)) return true;
    path = {};
    return false;
}

std::string_view helper_path()
{
    return path.view();
}

bool run_helper(const char* command, const char* argument, std::span<const char> input,
                MappedArray<char>& output)
{
    if (path.view().empty()) return false;
    std::array<int, 2> pipe{-1, -1};
    auto* const stacks = static_cast<std::byte*>(os::map(2 * kStack, os::kPageSize));
    Start start{.command = command,
                .argument = argument,
                .input = open_input(input),
                .output = -1,
                .stack_top = stacks + 2 * kStack,
                .process = -1};
    bool is_done = false;
    if (start.input >= 0 && stacks != nullptr && ::pipe2(pipe.data(), O_CLOEXEC) == 0) {
        start.output = pipe[1];
        // With no signal at its end.
        const int between = ::clone(start_helper, stacks + kStack, CLONE_VM | CLONE_VFORK, &start);
        if (between > 0) ::waitpid(between, nullptr, __WCLONE);
        ::close(pipe[1]);
        is_done = start.process > 0 && read_all(pipe[0], output);
        if (start.process > 0 && !is_done) ::syscall(SYS_kill, start.process, SIGKILL);
        ::close(pipe[0]);
    }
    if (start.input >= 0) ::close(start.input);
    if (stacks != nullptr) os::unmap(stacks, 2 * kStack);
    return is_done;
}

} // namespace tarn
