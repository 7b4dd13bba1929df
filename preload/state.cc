// SPDX-License-Identifier: MIT

#include "preload/state.h"

#include <unistd.h>

#include "preload/export.h"
#include "preload/leaks.h"
#include "preload/next.h"
#include "preload/report.h"
#include "preload/startup.h"
#include "src/os/errno_guard.h"
#include "src/os/fork.h"
#include "tracer/events.h"
#include "tracer/state_file.h"

namespace tarn {

namespace {

/// NOLINTNEXTLINE(readability-identifier-naming,*-reserved-identifier): libc's name
constinit Next<::pid_t()> next_bare_fork("_Fork");

/// Whether a child has another file than its parent.
bool names_differ(std::string_view pattern)
{
    for (std::size_t i = 0; i + 1 < pattern.size(); ++i) {
        if (pattern[i] != '%') continue;
        if (pattern[++i] == 'p') return true;
    }
    return false;
}

/// The options that are not as by default, as they would be written.
FixedText<1020> options_in_force()
{
    const Options& options = startup_options();
    const Options by_default{};
    FixedText<1020> text;
    for (const OptionSpec& spec : option_specs()) {
        FixedText<600> value;
        FixedText<600> usual;
        print_option_value(value, options, spec);
        print_option_value(usual, by_default, spec);
        if (value.view() == usual.view()) continue;
        if (!text.view().empty()) text << ",";
        text << spec.name << "=" << value.view();
    }
    return text;
}

constinit StateFile::Copy copy_for_child{}; // of the fork() that is going on

void before_fork()
{
    copy_for_child = state_file.before_fork();
}

void after_fork_in_parent()
{
    StateFile::after_fork_in_parent(copy_for_child);
}

void take_over(StateFile::Copy copy)
{
    if (!state_file.is_open()) return;
    const Options& options = startup_options();
    const std::string_view pattern = options.state.view();
    const bool has_own = options.children && names_differ(pattern);
    state_file.after_fork_in_child(copy, has_own ? expand_pattern(pattern).view() : "");
}

void after_fork_in_child()
{
    take_over(copy_for_child);
}

} // namespace

void prepare_state(std::uint64_t started_at)
{
    const Options& options = startup_options();
    const std::string_view pattern = options.state.view();
    if (pattern.empty() || !options.reports_sites()) return;
    const FixedText<1024> path = expand_pattern(pattern);
    const FixedText<1020> in_force = options_in_force();
    if (state_file.open({.path = path.view(),
                         .options = in_force.view(),
                         .sample_period = sample_period(options),
                         .started_at = started_at,
                         .sink = write_report}))
        os::add_fork_hooks({before_fork, after_fork_in_parent, after_fork_in_child});
}

void start_state()
{
    next_bare_fork.find();
}

} // namespace tarn

/// fork() without the handlers of pthread_atfork(), for signal handlers.
// NOLINTNEXTLINE(readability-identifier-naming,*-reserved-identifier): libc's name
TARN_EXPORT ::pid_t _Fork() noexcept
{
    auto* const next = tarn::next_bare_fork.get();
    if (next == nullptr) return ::fork(); // before our constructor
    const tarn::StateFile::Copy copy = tarn::state_file.before_fork();
    const ::pid_t child = next();
    const tarn::os::ErrnoGuard guard;
    if (child == 0) {
        tarn::take_over(copy);
        tarn::stop_events_of_child();
    } else {
        tarn::StateFile::after_fork_in_parent(copy);
    }
    return child;
}
