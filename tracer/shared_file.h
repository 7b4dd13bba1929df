// SPDX-License-Identifier: MIT
//
// A file to be mapped and shared, for a process that knows nothing of it: it may close descriptors
// that are not its own, change folders and users, and run into limits.

#pragma once

#include <climits>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <sys/types.h>

#include "src/base/print.h"

namespace tarn {

/// Functions that can fail return nullptr, or why they did. Thread safety: one thread at a time.
class SharedFile {
public:
    /// Makes a file which nobody else may read. One of that name that begins with `magic`, or with
    /// zeroes, or is empty, makes way for it; who reads it may go on.
    const char* make(std::string_view path, std::uint64_t magic);
    /// Writes to the beginning of an empty one.
    const char* fill(std::span<const std::byte> contents);
    void remove();

    /// Makes it larger, all zeroes. There is memory for all of it, lest a write to the mapping
    /// fail, which would be SIGBUS.
    const char* extend(std::size_t from, std::size_t to);

    /// Maps a part of it in place of what is at `address`.
    const char* map(void* address, std::size_t size, std::size_t offset);

    /// In a child of fork(), to which it does not belong.
    void close();

    std::string_view path() const { return path_.view(); } // absolute

private:
    struct Identity {
        ::dev_t device;
        ::ino_t inode;
    };
    class Opened;

    void set_path(std::string_view path);
    bool is_it(int descriptor) const;
    const char* create(std::uint64_t magic);

    FixedText<PATH_MAX> path_;
    Identity identity_{};
    int kept_ = -1; // descriptor
};

} // namespace tarn
