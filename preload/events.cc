// SPDX-License-Identifier: MIT

#include "preload/events.h"

#include <array>
#include <climits>
#include <pthread.h>

#include "preload/report.h"
#include "preload/startup.h"
#include "src/base/text.h"
#include "src/heap/slow_path.h"
#include "src/os/file.h"
#include "tracer/events.h"

namespace tarn {

namespace {

constinit bool is_recording = false;

/// With the folder that the program starts in: it may go to another one.
FixedText<PATH_MAX> absolute(std::string_view path)
{
    FixedText<PATH_MAX> name;
    std::array<char, PATH_MAX> folder;
    if (!has_prefix(path, "/")) name << os::current_directory(folder);
    name << path;
    return name;
}

/// With the lock of the file held: a signal handler that allocates must not come in between.
void write_so_far()
{
    write_events(false, write_report);
}

void write_the_last()
{
    write_events(true, write_report);
}

} // namespace

const Observer* prepare_events(const Observer* observer)
{
    const Options& options = startup_options();
    if (options.events.view().empty() || !options.trace || options.sample != 0) return observer;
    is_recording = true;
    const FixedText<PATH_MAX> path = absolute(expand_pattern(options.events.view()).view());
    return record_events(observer, {.path = path.view(), .most_bytes = options.events_max});
}

void start_events()
{
    if (!is_recording) return;
    ::pthread_atfork(nullptr, nullptr, stop_events_of_child);
    run_undisturbed(begin_event_file);
}

void report_events(bool is_end)
{
    if (is_recording) run_undisturbed(is_end ? write_the_last : write_so_far);
}

} // namespace tarn
