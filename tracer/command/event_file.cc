// SPDX-License-Identifier: MIT

#include "tracer/command/event_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <stdexcept>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/text.h"

namespace tarn {

namespace {

template <class T> bool take_object(std::span<const std::byte> data, T& object)
{
    if (data.size() < sizeof object) return false;
    std::memcpy(&object, data.data(), sizeof object);
    return true;
}

events::FileHeader parse_header(std::span<const std::byte> data, const std::string& path)
{
    events::FileHeader header{};
    if (!take_object(data, header) || header.magic != events::kMagic)
        throw std::runtime_error(path + ": is no file of TARN=trace,events=FILE");
    if (header.version != events::kVersion)
        throw std::runtime_error(path + ": has version " + std::to_string(header.version) +
                                 " of the format, this tarn reads " +
                                 std::to_string(events::kVersion));
    if (header.size < sizeof header || header.size > data.size())
        throw std::runtime_error(path + ": is damaged at its start");
    header.executable.back() = '\0';
    return header;
}

bool is_sound(const events::BatchHeader& header)
{
    return header.magic == events::kBatchMagic && header.size <= events::kMostBatchBytes &&
           header.nanoseconds_per_tick > 0 && header.nanoseconds_per_tick < 1e6;
}

/// Of batches with the same number the longest one stays.
void put_in_order(std::vector<EventFile::Batch>& batches)
{
    std::ranges::stable_sort(batches, [](const auto& a, const auto& b) {
        if (a.header.number != b.header.number) return a.header.number < b.header.number;
        return a.header.size > b.header.size;
    });
    const auto same = [](const auto& a, const auto& b) {
        return a.header.number == b.header.number;
    };
    batches.erase(std::unique(batches.begin(), batches.end(), same), batches.end());
}

} // namespace

std::string EventFile::executable() const
{
    std::string name = header.executable.data();
    std::ranges::replace_if(name, is_control, ' ');
    return name;
}

EventFile parse_events(std::span<const std::byte> data, const std::string& path)
{
    EventFile file;
    file.header = parse_header(data, path);
    file.start_ticks = std::numeric_limits<std::uint64_t>::max();
    std::span<const std::byte> rest = data.subspan(file.header.size);
    while (!rest.empty()) {
        events::BatchHeader header{};
        if (!take_object(rest, header) || !is_sound(header)) {
            file.damaged_from = data.size() - rest.size();
            break;
        }
        rest = rest.subspan(sizeof header);
        if (header.size > rest.size()) { // cut off
            header.size = static_cast<std::uint32_t>(rest.size());
            file.damaged_from = data.size();
        }
        const auto body = rest.first(header.size);
        rest = rest.subspan(header.size);
        events::Mark mark{};
        file.ends_with_mark = header.thread == 0;
        if (header.thread != 0) {
            file.threads[header.thread].push_back({header, body});
            file.start_ticks = std::min(file.start_ticks, header.ticks);
        } else if (take_object(body, mark)) {
            file.marks.push_back(mark);
        }
        file.nanoseconds_per_tick = header.nanoseconds_per_tick;
    }
    for (auto& [thread, batches] : file.threads)
        put_in_order(batches);
    return file;
}

MappedFile::MappedFile(const std::string& path)
{
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (file < 0 || ::fstat(file, &status) != 0)
        throw std::runtime_error(path + ": " +
                                 std::strerror(errno)); // NOLINT(concurrency-mt-unsafe)
    const auto size = static_cast<std::size_t>(status.st_size);
    void* const memory =
        size != 0 ? ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0) : MAP_FAILED;
    ::close(file);
    if (memory == MAP_FAILED) throw std::runtime_error(path + ": is empty, or cannot be read");
    data_ = {static_cast<const std::byte*>(memory), size};
}

MappedFile::~MappedFile()
{
    ::munmap(const_cast<std::byte*>(data_.data()), data_.size());
}

} // namespace tarn
