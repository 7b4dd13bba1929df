// SPDX-License-Identifier: MIT

#include "preload/dumps.h"

#include <cerrno>

#include "preload/export.h"
#include "preload/leaks.h"
#include "preload/report.h"
#include "preload/startup.h"
#include "src/heap/deferred.h"
#include "src/heap/settings.h"
#include "src/include/tarn/malloc.h"
#include "src/os/process.h"
#include "tracer/dumps.h"
#include "tracer/helper.h"
#include "tracer/trace_profile.h"

namespace tarn {

namespace {

/// A child has the counts of its parent, and is not reported. One of vfork() has its memory, too.
constinit std::uint64_t owner = 0;

constinit std::uint64_t dumps_made = 0; // by the one who makes a report

void write_dump()
{
    const std::uint64_t most = startup_options().dumps_max;
    write_trace_profile(profile_path(false).view(), write_report);
    if (++dumps_made < most) return count_dumps_from_now();
    Printer(write_report) << "tarn: " << most
                          << " profiles written (dumps_max), the next one at the end\n";
}

void dump_wanted()
{
    if (is_inside_malloc()) return defer_until_outside(dump_wanted);
    const ReportTurn turn;
    if (turn.is_had() && os::process_id() == owner) return write_dump();
    count_dumps_from_now(); // or a child of vfork() would leave its parent without any
}

/// On a slow path.
void dump_is_due()
{
    if (os::process_id() == owner) return defer_until_outside(dump_wanted);
    count_dumps_from_now();
}

} // namespace

bool makes_dumps()
{
    const Options& options = startup_options();
    return options.reports_sites() &&
           (options.interval_milliseconds != 0 || options.interval_bytes != 0 || options.peak != 0);
}

const Observer* prepare_dumps(const Observer* observer)
{
    const Options& options = startup_options();
    return look_for_dumps(observer, {.every_milliseconds = options.interval_milliseconds,
                                     .every_bytes = options.interval_bytes,
                                     .peak_percent = options.peak,
                                     .due = dump_is_due});
}

void start_dumps()
{
    owner = os::process_id();
    if (settings.observer == nullptr || startup_options().dumps_max == 0) return;
    if (!helper_path().empty()) return count_dumps_from_now();
    write_report("tarn: no profiles before the end: there is no tarn command beside libtarn.so "
                 "(symbolizer=PATH says where)\n");
}

namespace {

int fail(int error)
{
    errno = error;
    return -1;
}

int dump_profile(const char* path)
{
    const std::string_view name = path != nullptr ? path : "x";
    if (!startup_options().reports_sites() || settings.observer == nullptr) return fail(ENOTSUP);
    if (is_inside_malloc()) return fail(EAGAIN);
    if (name.empty() || name.find('\n') != std::string_view::npos) return fail(EINVAL);
    bool is_written = false;
    {
        const ReportTurn turn;
        if (!turn.is_had()) return fail(EAGAIN);
        is_written = path != nullptr
                         ? write_trace_profile(path, write_report)
                         : write_trace_profile(profile_path(false).view(), write_report);
    }
    return is_written ? 0 : fail(EIO);
}

} // namespace

} // namespace tarn

TARN_EXPORT int tarn_dump_profile(const char* path)
{
    return tarn::dump_profile(path);
}
