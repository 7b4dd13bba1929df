// SPDX-License-Identifier: MIT
//
// Where everything that tarn says goes: standard error, or the file of log=PATTERN.

#pragma once

#include <string_view>

#include "src/base/print.h"

namespace tarn {

/// A TextSink. The file is opened for each call and closed after it.
void write_report(std::string_view text);

/// Decides the name of the log now: a copy of the process that is about to be made has it, too.
void name_log();

/// From now on nothing is written: in a copy of the process whose end alone is of interest.
void silence_reports();

/// In a forked child: no other thread writes.
void reset_report_lock();

/// The name of a file of which each process has one: it stays until the process forks.
class OwnFileName {
public:
    const char* of(std::string_view pattern);

private:
    FixedText<1024> name_;
    std::uint64_t named_for_ = 0; // process
};

/// A file name from a pattern: %p process id, %e executable, %t seconds since 1970, %n how many
/// names this process has made before, %h host, %% a percent sign. If it is relative, then to where
/// the program started, wherever it is now.
FixedText<1024> expand_pattern(std::string_view pattern);

/// In our constructor.
void note_start_directory();

} // namespace tarn
