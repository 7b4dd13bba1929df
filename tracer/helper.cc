// SPDX-License-Identifier: MIT

#include "tracer/helper.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/print.h"
#include "src/base/text.h"
#include "src/base/units.h"
#include "src/os/file.h"
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
        folder << os::current_directory(current);
    }
    const std::size_t slash = name.rfind('/');
    if (slash != std::string_view::npos) folder << slice(name, 0, slash + 1);
    return folder;
}

/// What debuginfod's client heeds; the first one has the servers. See debuginfod-client-config(7).
constexpr std::array<std::string_view, 6> kLent{"DEBUGINFOD_URLS",    "DEBUGINFOD_CACHE_PATH",
                                                "DEBUGINFOD_TIMEOUT", "DEBUGINFOD_MAXTIME",
                                                "XDG_CACHE_HOME",     "HOME"};
constexpr std::size_t kMostLent = 1024; // bytes
using LentText = FixedText<kMostLent>;
/// "NAME=value" of those that the helper is to have.
constinit std::array<LentText, kLent.size()> lent;

/// Copies a variable, unless it is too long to be one of ours. False: there is none.
bool lend(std::string_view name, LentText& entry)
{
    FixedText<64> terminated;
    terminated << name;
    const char* const value = ::secure_getenv(terminated.c_str());
    entry = {};
    if (value == nullptr || *value == '\0') return false;
    entry << name << "=" << value;
    const std::size_t whole = name.size() + 1 + std::string_view(value).size();
    if (whole < kMostLent) return true;
    entry = {};
    return false;
}

using Environment = std::array<const char*, kLent.size() + 3>;

Environment helper_environment()
{
    Environment environment{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"};
    std::size_t size = 2;
    for (LentText& entry : lent)
        if (!entry.view().empty()) environment[size++] = entry.c_str();
    return environment;
}

constexpr std::size_t kStack = KiB(64);
constexpr std::uint64_t kMostMilliseconds = 120'000;
constexpr std::size_t kMostOutput = MiB(1024);

struct Start {
    const char* command;
    const char* argument;     // or null
    int ours;                 // end of the connection
    int connection;           // standard input and output
    std::byte* stack_top;     // of the helper
    std::atomic<int> process; // its number; 0: not yet known
    int status;               // with which it ended, as wait() has it
    bool is_running;          // it could be started
};

/// In the helper's process, which still has our memory.
int exec_helper(void* context)
{
    Start& start = *static_cast<Start*>(context);
    ::dup2(start.connection, STDIN_FILENO);
    ::dup2(start.connection, STDOUT_FILENO);
#ifdef SYS_close_range
    ::syscall(SYS_close_range, 3, ~0U, 0);
#endif
    const char* const network = lent[0].view().empty() ? nullptr : "--debuginfod";
    const std::array<const char*, 5> arguments{
        path.c_str(), start.command, start.argument != nullptr ? start.argument : network,
        start.argument != nullptr ? network : nullptr, nullptr};
    // Neither ourselves nor, unless that was asked for, a network.
    const Environment environment = helper_environment();
    // Not by execve(), which is ours and would report. Signals stay blocked, because handlers are
    // still the program's.
    start.is_running = true;
    ::syscall(SYS_execve, path.c_str(), arguments.data(), environment.data());
    start.is_running = false;
    return 127;
}

/// A process in between, the helper's parent: what execve() starts tells its parent by SIGCHLD, and
/// shows in its wait(), which the program would take for a child of its own. All signals are
/// blocked.
int start_helper(void* context)
{
    Start& start = *static_cast<Start*>(context);
    // A copy: if we are killed, the helper is to read the end of what it was asked.
    ::close(start.ours);
    // Where the program ignores it, nobody could wait for a child. All zero is SIG_DFL for the
    // kernel; this process has handlers of its own.
    const std::array<std::uint64_t, 4> by_default{};
    ::syscall(SYS_rt_sigaction, SIGCHLD, by_default.data(), nullptr, sizeof(std::uint64_t));
    const int process =
        ::clone(exec_helper, start.stack_top, CLONE_VM | CLONE_VFORK | SIGCHLD, &start);
    start.process.store(process, std::memory_order_release);
    if (process > 0) ::syscall(SYS_wait4, process, &start.status, 0, nullptr);
    // Rather than closed: another thread may have forked meanwhile, and its child has a copy.
    ::shutdown(start.connection, SHUT_RDWR);
    return 0;
}

/// The descriptor with a number that is none of the standard streams'.
int moved_up(int descriptor)
{
    if (descriptor > STDERR_FILENO || descriptor < 0) return descriptor;
    const int moved = ::fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    ::close(descriptor);
    return moved;
}

/// Our end of a conversation with the helper.
class Conversation {
public:
    Conversation(int connection, std::span<const char> input, MappedArray<char>& output)
        : connection_(connection), input_(input), output_(output)
    {}

    /// Sends the input and adds to the output what comes back, until the other end is closed.
    /// Errors: false, it takes too long or is too much.
    bool hold()
    {
        const std::uint64_t deadline = os::clock_milliseconds() + kMostMilliseconds;
        if (input_.empty()) ::shutdown(connection_, SHUT_WR);
        State state = State::open;
        while (state == State::open && os::clock_milliseconds() < deadline &&
               output_.size() < kMostOutput)
            state = turn();
        return state == State::closed && input_.empty();
    }

private:
    enum class State : std::uint8_t { open, closed, broken };

    State turn()
    {
        const auto events = static_cast<short>(input_.empty() ? POLLIN : POLLIN | POLLOUT);
        ::pollfd wait{.fd = connection_, .events = events, .revents = 0};
        if (::poll(&wait, 1, 1000) < 0) return State::broken;
        if ((wait.revents & POLLOUT) != 0) send();
        return (wait.revents & (POLLIN | POLLHUP | POLLERR)) != 0 ? receive() : State::open;
    }

    void send()
    {
        if (input_.empty()) return;
        const ::ssize_t sent =
            ::send(connection_, input_.data(), input_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) input_ = input_.subspan(static_cast<std::size_t>(sent));
        if (input_.empty()) ::shutdown(connection_, SHUT_WR);
    }

    State receive()
    {
        const std::size_t before = output_.size();
        if (!output_.resize(before + KiB(64))) return State::broken;
        const ::ssize_t size = ::recv(connection_, &output_[before], KiB(64), MSG_DONTWAIT);
        output_.resize(before + (size > 0 ? static_cast<std::size_t>(size) : 0));
        if (size == 0) return State::closed;
        return size > 0 || errno == EAGAIN ? State::open : State::broken;
    }

    int connection_;
    std::span<const char> input_;
    MappedArray<char>& output_;
};

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

bool use_debuginfod()
{
    for (std::size_t i = 1; i < kLent.size(); ++i)
        lend(kLent[i], lent[i]);
    return lend(kLent[0], lent[0]);
}

std::string_view helper_path()
{
    return path.view();
}

bool run_helper(const char* command, const char* argument, std::span<const char> input,
                MappedArray<char>& output)
{
    if (path.view().empty()) return false;
    std::array<int, 2> ends{-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return false;
    for (int& end : ends)
        end = moved_up(end);
    auto* const stacks = static_cast<std::byte*>(os::map(2 * kStack, os::kPageSize));
    Start start{.command = command,
                .argument = argument,
                .ours = ends[0],
                .connection = ends[1],
                .stack_top = stacks + 2 * kStack,
                .process = 0,
                .status = -1,
                .is_running = false};
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    // With no signal at its end. It has a copy of the descriptors, so ours can be closed.
    const int between =
        stacks != nullptr ? ::clone(start_helper, stacks + kStack, CLONE_VM, &start) : -1;
    ::close(ends[1]);
    bool is_done = between > 0 && Conversation(ends[0], input, output).hold();
    ::close(ends[0]);
    if (between > 0) {
        const int process = start.process.load(std::memory_order_acquire);
        if (!is_done && process > 0) ::syscall(SYS_kill, process, SIGKILL);
        ::waitpid(between, nullptr, static_cast<int>(__WCLONE));
        is_done = is_done && start.is_running && start.status == 0;
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (stacks != nullptr) os::unmap(stacks, 2 * kStack);
    return is_done;
}

} // namespace tarn
