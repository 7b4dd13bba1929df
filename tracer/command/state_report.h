// SPDX-License-Identifier: MIT
//
// What `tarn state` and `tarn diff` print.

#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>

namespace tarn {

struct StateReportOptions {
    std::size_t most_places = 5; // in each list
    std::string profile;         // file to be written for pprof; empty: none
    std::string timeline;        // likewise as CSV
};

/// Prints the report of a state file, as its process would at its end, with a head that says whose
/// it is. Throws std::runtime_error: there is none.
void report_state(const std::string& path, const StateReportOptions& options);

/// Prints what has grown from one state file to a later one, by place. Likewise.
void report_growth(const std::string& before, const std::string& after,
                   const StateReportOptions& options);

} // namespace tarn
