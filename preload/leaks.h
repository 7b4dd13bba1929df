// SPDX-License-Identifier: MIT
//
// When there is a leak report: at the end of the process, whichever way it ends, but for SIGKILL.

#pragma once

#include "src/base/options.h"
#include "src/base/print.h"
#include "src/os/errno_guard.h"

namespace tarn {

/// With the options, before the first allocation is served.
void prepare_leak_report();

/// From the constructor: takes the signals that end a process and that the program has not claimed.
void start_leak_reports();

/// Reports if it is wanted and has not been done; for a process that would end with `status`.
/// With `only_leaks` nothing is said if there are none. Returns the status to end with:
/// leaks_exitcode if memory was lost.
int report_leaks_at_end(int status, bool only_leaks = false);

/// In exit(): does not return while another thread ends the process. libc, which has no order among
/// them before 2.41, would end it in the middle of the report. False: the other one has not come to
/// its report in a second, because it may wait for this one.
bool end_alone();

/// Reports what is lost now instead of at the end. Returns the status to end with, 0: to go on.
int check_leaks();

/// As tarn_report_leaks() of <tarn/malloc.h>.
int report_leaks_on_demand();

/// What a signal handler may have interrupted, and what nobody else can end then.
bool is_inside_malloc();

/// As tarn_leaks_mark() of <tarn/malloc.h>.
int mark_leaks();

/// The turn of a thread to make a report: others wait. Keeps errno, and pthread_cancel() out,
/// because it may be had at the end of a malloc. Not inside malloc.
class ReportTurn {
public:
    ReportTurn();
    ReportTurn(const ReportTurn&) = delete;
    ReportTurn& operator=(const ReportTurn&) = delete;
    ~ReportTurn();

    /// False: it has this turn already, further up its stack.
    bool is_had() const { return is_had_; }

private:
    os::ErrnoGuard errno_;
    int cancellation_ = 0; // state before
    bool is_had_;
};

/// Bytes of which one is in the sample; 0: all are told.
std::size_t sample_period(const Options& options);

/// In a forked child: nobody has it.
void reset_report_turn();

/// Where a profile of the trace goes. One that is not the only one has a number in its name.
FixedText<1024> profile_path(bool is_only_one);

/// Before another program takes this process over; `path`, if it is not null, must be one.
void report_leaks_before_exec(const char* path);

/// The places that allocate, without a file. Requires: they are counted.
void report_places();

} // namespace tarn
