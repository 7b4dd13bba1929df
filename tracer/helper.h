// SPDX-License-Identifier: MIT
//
// The helper: the `tarn` program, which runs beside the traced one. Reading debug information takes
// megabytes, a malloc and libraries, none of which belong into the program that is looked at.

#pragma once

#include <span>
#include <string_view>

#include "tracer/mapped_array.h"

namespace tarn {

/// Finds the helper: `wanted`, or, if that is empty, beside this library or where an installation
/// has it. To be called while the working directory is still that of the start.
/// Errors: false, there is none; run_helper() fails then.
bool find_helper(std::string_view wanted);

/// From now on the helper may fetch debug information over the network, see debuginfod(8): copies
/// what it needs for that from the environment. Errors: false, DEBUGINFOD_URLS names no server.
bool use_debuginfod();

/// Path of the helper that was found, else empty.
std::string_view helper_path();

/// Runs the helper with a command and, if it is not null, an argument, `input` as its standard
/// input; adds to `output` what it writes. It is no child that the program's wait() could see, and
/// inherits neither LD_PRELOAD nor descriptors. Waits for at most a minute. Errors: false.
bool run_helper(const char* command, const char* argument, std::span<const char> input,
                MappedArray<char>& output);

} // namespace tarn
