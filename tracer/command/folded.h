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

struct FoldOptions {
    std::string value;     // kind of value, such as "peak_space"; empty: the one that the profile
                           // names as its default, or its last
    bool has_tags = false; // "tag:render" is the outermost call of what has that tag
};

/// Writes the stacks of a profile with one kind of value. Equal stacks become one line; those
/// without any of the value are left out. Errors: std::runtime_error that says which part of the
/// data is damaged, or which values there are; nothing has been written.
void write_folded(std::string_view data, const FoldOptions& options, std::ostream& out);

/// Writes the comments of a profile, such as tarn's advice, a line for each. Likewise.
void write_comments(std::string_view data, std::ostream& out);

} // namespace tarn
