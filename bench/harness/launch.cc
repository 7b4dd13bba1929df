// SPDX-License-Identifier: MIT
//
// Runs one program under one allocator and writes down what it cost. A program of its own because
// the peak RSS that the kernel reports for a child begins with that of the process it was started
// from: started from Python, nothing would ever measure less than Python.
//
// usage: launch RESULT SECONDS REPEAT PRELOAD EXPECT PROGRAM [ARGUMENT...]
//
//   RESULT    file to write one line of JSON to: user and system seconds, peak RSS in bytes, page
//             faults, wait status, and whether EXPECT was seen among the program's mappings
//   SECONDS   the program is killed after that time
//   REPEAT    how often to run it, one run after the other; times are summed up
//   PRELOAD   value of LD_PRELOAD for the program, or - for none
//   EXPECT    file that must be mapped into the program, or - for none

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

volatile pid_t child = 0;

void kill_child(int /*signal*/)
{
    if (child > 0) kill(child, SIGKILL);
}

/// Whether `path` stands at the end of a line of the child's memory map.
bool is_mapped(pid_t pid, const char* path)
{
    char name[64];
    std::snprintf(name, sizeof name, "/proc/%d/maps", pid);
    std::FILE* const maps = std::fopen(name, "re");
    if (maps == nullptr) return false;
    char line[4096];
    bool found = false;
    while (!found && std::fgets(line, sizeof line, maps) != nullptr) {
        line[std::strcspn(line, "\n")] = '\0';
        const char* const file = std::strchr(line, '/');
        found = file != nullptr && std::strcmp(file, path) == 0;
    }
    std::fclose(maps);
    return found;
}

/// Looks every 2 ms until the library is there or the program has ended. No longer: reading the map
/// holds the lock that page faults of the program need.
bool wait_until_mapped(pid_t pid, const char* path)
{
    for (;;) {
        if (is_mapped(pid, path)) return true;
        siginfo_t info{};
        const int result =
            waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT);
        if (result != 0 || info.si_pid == pid) return false;
        usleep(2000);
    }
}

pid_t start(const char* preload, char** command)
{
    // fork, not vfork: the child changes its environment. This process is small enough.
    const pid_t pid = fork();
    if (pid != 0) return pid;
    if (std::strcmp(preload, "-") != 0) setenv("LD_PRELOAD", preload, 1);
    execvp(command[0], command);
    std::fprintf(stderr, "launch: %s: %s\n", command[0], std::strerror(errno));
    _exit(127);
}

struct Cost {
    double user = 0;
    double system = 0;
    long peak_rss_kb = 0;
    long minor_faults = 0;
    long major_faults = 0;
    int status = 0;
    bool was_mapped = true;
};

double seconds(const timeval& time)
{
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

void run_once(const char* preload, const char* expected, char** command, Cost& cost)
{
    child = start(preload, command);
    if (child < 0) std::exit(1);
    if (std::strcmp(expected, "-") != 0 && !wait_until_mapped(child, expected))
        cost.was_mapped = false;
    rusage usage{};
    while (wait4(child, &cost.status, 0, &usage) < 0 && errno == EINTR) {
    }
    child = 0;
    cost.user += seconds(usage.ru_utime);
    cost.system += seconds(usage.ru_stime);
    cost.minor_faults += usage.ru_minflt;
    cost.major_faults += usage.ru_majflt;
    if (usage.ru_maxrss > cost.peak_rss_kb) cost.peak_rss_kb = usage.ru_maxrss;
}

bool write_result(const char* path, const Cost& cost)
{
    std::FILE* const file = std::fopen(path, "we");
    if (file == nullptr) return false;
    std::fprintf(file,
                 "{\"user\": %.6f, \"system\": %.6f, \"peak_rss\": %ld, \"minor_faults\": %ld, "
                 "\"major_faults\": %ld, \"status\": %d, \"was_mapped\": %s}\n",
                 cost.user, cost.system, cost.peak_rss_kb * 1024, cost.minor_faults,
                 cost.major_faults, cost.status, cost.was_mapped ? "true" : "false");
    return std::fclose(file) == 0;
}

} // namespace

int main(int argc, char** argv)
{
    if (argc < 7) {
        std::fputs("usage: launch RESULT SECONDS REPEAT PRELOAD EXPECT PROGRAM [ARGUMENT...]\n",
                   stderr);
        return 2;
    }
    // No SA_RESTART: nothing here needs it, and wait4 is called again anyway.
    struct sigaction action {};
    action.sa_handler = kill_child;
    sigaction(SIGALRM, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    alarm(static_cast<unsigned>(std::strtoul(argv[2], nullptr, 10)));

    Cost cost;
    const unsigned long repeat = std::strtoul(argv[3], nullptr, 10);
    for (unsigned long i = 0; i < repeat && cost.status == 0; ++i)
        run_once(argv[4], argv[5], argv + 6, cost);
    return write_result(argv[1], cost) ? 0 : 1;
}
