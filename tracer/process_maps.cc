// SPDX-License-Identifier: MIT

#include "tracer/process_maps.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/base/text.h"
#include "src/base/units.h"
#include "src/os/errno_guard.h"
#include "src/os/memory.h"

namespace tarn {

namespace {

/// Reads a hexadecimal number from the front of `text` and takes it away.
std::uintptr_t take_hex(std::string_view& text)
{
    std::uintptr_t value = 0;
    std::size_t used = 0;
    for (; used < text.size(); ++used) {
        const char c = text[used];
        if (c >= '0' && c <= '9')
            value = value * 16 + static_cast<std::uintptr_t>(c - '0');
        else if (c >= 'a' && c <= 'f')
            value = value * 16 + static_cast<std::uintptr_t>(c - 'a' + 10);
        else
            break;
    }
    text = slice(text, used);
    return value;
}

/// What follows the first `fields` fields, each of which ends in blanks.
std::string_view after_fields(std::string_view text, int fields)
{
    for (; fields > 0; --fields) {
        text = slice(text, std::min(text.find(' '), text.size()));
        while (!text.empty() && text[0] == ' ')
            text = slice(text, 1);
    }
    return text;
}

/// The number that `text` begins with.
std::size_t number_in(std::string_view text)
{
    std::size_t number = 0;
    for (; !text.empty() && text[0] >= '0' && text[0] <= '9'; text = slice(text, 1))
        number = number * 10 + static_cast<std::size_t>(text[0] - '0');
    return number;
}

} // namespace

// By system call: libc's functions are where a thread may be cancelled, which malloc is not.
MapsReader::MapsReader(const char* path)
{
    const os::ErrnoGuard guard;
    descriptor_ = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0));
}

MapsReader::~MapsReader()
{
    const os::ErrnoGuard guard;
    if (descriptor_ >= 0) ::syscall(SYS_close, descriptor_);
}

bool MapsReader::next_line(std::string_view& line)
{
    for (;;) {
        const std::string_view rest(buffer_.data() + begin_, end_ - begin_);
        const std::size_t length = rest.find('\n');
        if (length != std::string_view::npos) {
            line = slice(rest, 0, length);
            begin_ += length + 1;
            return true;
        }
        std::memmove(buffer_.data(), rest.data(), rest.size());
        begin_ = 0;
        end_ = rest.size();
        if (descriptor_ < 0 || end_ == buffer_.size()) return false; // no path is that long
        const os::ErrnoGuard guard;
        const long got =
            ::syscall(SYS_read, descriptor_, buffer_.data() + end_, buffer_.size() - end_);
        if (got <= 0) return false;
        end_ += static_cast<std::size_t>(got);
    }
}

bool MapsReader::next(Mapping& mapping)
{
    // 7f1e58000000-7f1e58021000 rw-p 00000000 00:00 0      [stack]       Source: proc(5)
    std::string_view line;
    if (!next_line(line)) return false;
    mapping.range.start = take_hex(line);
    line = slice(line, 1);
    mapping.range.end = take_hex(line);
    line = slice(line, 1);
    mapping.readable = slice(line, 0, 1) == "r";
    mapping.writable = slice(line, 1, 1) == "w";
    mapping.executable = slice(line, 2, 1) == "x";
    mapping.shared = slice(line, 3, 1) == "s";
    mapping.name = after_fields(line, 4);
    return true;
}

bool ResidentReader::next(Mapping& mapping, std::size_t& resident)
{
    if (!MapsReader::next(mapping)) return false;
    name_ = {};
    name_ << mapping.name;
    mapping.name = name_.view();
    resident = 0;
    // Source: proc(5): lines such as "Rss:    892 kB", the last of which begins with VmFlags.
    for (std::string_view line; next_line(line) && !has_prefix(line, "VmFlags:");)
        if (has_prefix(line, "Rss:")) resident = KiB(number_in(after_fields(line, 1)));
    return true;
}

PresentPages::Contents PresentPages::contents(std::uintptr_t page)
{
    const std::uint64_t* const entry = pagemap_.find(page);
    if (entry == nullptr) return Contents::unsure;
    if ((*entry & Pagemap::kPresent) != 0) return Contents::sure;
    return (*entry & Pagemap::kSwapped) != 0 ? Contents::unsure : Contents::none;
}

MemoryRange PresentPages::first_run(MemoryRange range, bool& is_sure)
{
    is_sure = false;
    if (!pagemap_.is_readable() || range.start >= range.end) return range;
    std::uintptr_t page = range.start / os::kPageSize;
    const std::uintptr_t end = divide_up(range.end, os::kPageSize);
    while (page < end && contents(page) == Contents::none)
        ++page;
    const std::uintptr_t first = page;
    const Contents kind = page < end ? contents(page) : Contents::none;
    while (page < end && contents(page) == kind)
        ++page;
    is_sure = kind == Contents::sure;
    return {std::min(std::max(range.start, first * os::kPageSize), range.end),
            std::min(range.end, page * os::kPageSize)};
}

} // namespace tarn
