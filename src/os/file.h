// SPDX-License-Identifier: MIT
//
// Files by system call: no stdio, no allocation, nothing kept open.

#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace tarn::os {

/// Reads up to `room` bytes from the start of a file. Errors: 0 bytes.
std::size_t read_file(const char* path, char* buffer, std::size_t room);

/// Of the process, with a slash at its end, in `room`. Errors: empty, there is none or it does not
/// fit.
std::string_view current_directory(std::span<char> room);

/// The start of a small file such as those in /proc, in a buffer of its own.
template <std::size_t Room> class SmallFile {
public:
    /// The returned text is valid as long as this object. Errors: empty.
    std::string_view read(const char* path)
    {
        return {text_.data(), read_file(path, text_.data(), Room)};
    }

private:
    std::array<char, Room> text_;
};

/// Keeps the stderr of this moment for write_to_stderr(), whatever the program does to its own:
/// many close it before they end. To be called only when there will be a report.
void keep_stderr();

/// Gives it up again: reports go to what is standard error then, if it is the same file.
void forget_stderr();

/// Says on standard error, in one line, that a file cannot be written; once in a process.
void complain_of_file(const char* path, int problem);

/// In a copy of the process, see copy.h: closes all descriptors but those of write_to_stderr().
void close_all_but_stderr();

/// Where reports go. Opened anew for each report and closed after it: a descriptor that we kept
/// could be closed, or reused for something else, by a program that closes all it does not know.
class Output {
public:
    enum class Mode : bool { append, replace };

    /// Errors: false, with one line on standard error that names the path.
    bool open(const char* path, Mode mode);
    void write(std::string_view text);
    /// Returns 0, or the error number of what could not be written; the rest was not tried.
    int close();

private:
    int descriptor_ = -1; // none: standard error
    int problem_ = 0;     // error number
};

} // namespace tarn::os
