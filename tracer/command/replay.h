// SPDX-License-Identifier: MIT
//
// Makes the calls of a file of events=FILE again, under whatever malloc this program runs with.

#pragma once

#include <iosfwd>
#include <string>

namespace tarn {

/// The command that start_replay() becomes.
inline constexpr const char* kReplayPrepared = "replay-prepared";

/// Does not return: goes on in a new process image, whose heap is empty, by way of run_replay().
/// Errors: std::runtime_error.
void start_replay(const std::string& path);

/// Makes the calls that start_replay() has written to a descriptor, and says how long it took and
/// what memory. Errors: std::runtime_error.
void run_replay(int descriptor, std::ostream& out);

} // namespace tarn
