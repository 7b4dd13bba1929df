// SPDX-License-Identifier: MIT
//
// Folded stacks, as flamegraph.pl, speedscope and inferno read them: one line for each stack,
// "main;parse;malloc_caller 1234", outermost call first.

#pragma once

#include <iosfwd>
#include <string>
#include <string_view>

namespace tarn {

/// The data of a profile for pprof, unpacked if it is packed by gzip.
/// Errors: std::runtime_error that names the file and what is wrong where.
std::string read_profile(const std::string& path);

/// Writes one kind of value of a profile, such as "peak_space"; `value` empty: the one that the
/// profile names as its default, or its last. Equal stacks become one line; those without any of
/// the value are left out. Errors: std::runtime_error that says which part of the data is damaged,
/// or which values there are; nothing has been written.
void write_folded(std::string_view data, const std::string& value, std::ostream& out);

} // namespace tarn
