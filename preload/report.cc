// SPDX-License-Identifier: MIT

#include "preload/report.h"

#include <atomic>

#include "preload/startup.h"
#include "src/base/text.h"
#include "src/os/errno_guard.h"
#include "src/os/file.h"
#include "src/os/mutex.h"
#include "src/os/process.h"

namespace tarn {

namespace {

void expand(FixedText<1024>& name, char what)
{
    static constinit std::atomic<std::uint64_t> names{0};
    std::array<char, 256> host;
    switch (what) {
    case 'p':
        name << os::process_id();
        break;
    case 'e':
        name << os::executable_name();
        break;
    case 't':
        name << os::wall_clock_seconds();
        break;
    case 'n':
        name << names.fetch_add(1, std::memory_order_relaxed);
        break;
    case 'h':
        name << std::string_view(host.data(), os::host_name(host));
        break;
    case '%':
        name << "%";
        break;
    default:
        name << "%" << std::string_view(&what, 1);
        break;
    }
}

constinit FixedText<1024> start_directory;

/// Apart, as the next one, for threads that end the process on a small stack.
[[gnu::noinline]] bool is_elsewhere()
{
    std::array<char, 1024> path;
    return os::current_directory(path) != start_directory.view();
}

[[gnu::noinline]] void prepend_start(FixedText<1024>& name)
{
    FixedText<1024> path;
    path << start_directory.view() << name.view();
    name = path;
}

/// As it is meant: a program may have gone to another directory.
void keep_at_start(FixedText<1024>& name)
{
    const bool is_relative = !name.view().empty() && !has_prefix(name.view(), "/");
    if (is_relative && !start_directory.view().empty() && is_elsewhere()) prepend_start(name);
}

} // namespace

void note_start_directory()
{
    std::array<char, 1024> path;
    start_directory << os::current_directory(path);
}

FixedText<1024> expand_pattern(std::string_view pattern)
{
    FixedText<1024> name;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] == '%' && i + 1 < pattern.size())
            expand(name, pattern[++i]);
        else
            name << std::string_view(&pattern[i], 1);
    }
    keep_at_start(name);
    return name;
}

const char* OwnFileName::of(std::string_view pattern)
{
    if (named_for_ != os::process_id()) {
        named_for_ = os::process_id();
        name_ = expand_pattern(pattern);
    }
    keep_at_start(name_);
    return name_.c_str();
}

namespace {

constinit OwnFileName log_name;

constinit os::Mutex mutex;
constinit bool is_silent = false;

} // namespace

void name_log()
{
    const std::string_view pattern = startup_options().log.view();
    if (!pattern.empty()) log_name.of(pattern);
}

void silence_reports()
{
    is_silent = true;
}

void reset_report_lock()
{
    mutex.reset();
}

void write_report(std::string_view text)
{
    if (is_silent) return;
    const os::ErrnoGuard keep_errno;
    const os::LockGuard guard(mutex);
    os::Output output;
    const std::string_view pattern = startup_options().log.view();
    if (!pattern.empty()) output.open(log_name.of(pattern), os::Output::Mode::append);
    output.write(text);
    const int problem = output.close();
    if (problem == 0) return;
    os::complain_of_file(log_name.of(pattern), problem);
    write_to_stderr(text);
}

} // namespace tarn
