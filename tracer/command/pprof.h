// SPDX-License-Identifier: MIT
//
// Profiles in the format of pprof (profile.proto, gzip), which pprof, speedscope, Pyroscope and
// others read. Source: github.com/google/pprof, proto/profile.proto.

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tracer/command/symbols.h"

namespace tarn {

struct ProfileFile {
    std::string path;
    std::string build_id; // hexadecimal
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    std::uint64_t bias = 0;
};

struct ProfileCall {
    std::size_t file;      // number; none: as many as there are
    std::uint64_t address; // in the file
    std::vector<SourceFrame> frames;
};

/// What the numbers of a T line are, see resolve.h; the names are those of pprof's -sample_index.
inline constexpr std::array<std::pair<const char*, const char*>, 12> kProfileTypes{
    {{"alloc_objects", "count"},
     {"alloc_space", "bytes"},
     {"inuse_objects", "count"},
     {"inuse_space", "bytes"},
     {"peak_objects", "count"},
     {"peak_space", "bytes"},
     {"temporary_objects", "count"},
     {"freed_elsewhere_objects", "count"},
     {"reallocs", "count"},
     {"realloc_copied", "bytes"},
     {"inuse_rounding", "bytes"},
     {"peak_rounding", "bytes"}}};

using ProfileValues = std::array<std::int64_t, kProfileTypes.size()>;

/// A call made from another one; stacks that begin alike share nodes.
struct ProfileNode {
    std::size_t parent; // number; 0: there is none
    std::size_t call;   // number
    std::string tag{};  // not empty: it is no call, but what those below have been tagged with
};

struct ProfileStack {
    std::size_t node; // number of the innermost call's, counted from 1
    ProfileValues values{};
};

struct ProfileContents {
    std::vector<ProfileFile> files;
    std::vector<ProfileCall> calls;
    std::vector<ProfileNode> nodes;
    std::vector<ProfileStack> stacks;
    std::vector<std::string> comments{};
    std::int64_t period = 1; // bytes, of which one was sampled
};

/// Writes a file. Errors: what went wrong; empty: nothing.
std::string write_profile(const std::string& path, const ProfileContents& contents);

} // namespace tarn
