// SPDX-License-Identifier: MIT

#include "tracer/command/perf_map.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace tarn {

void PerfMap::open(std::uint64_t process)
{
    const std::string path = "/tmp/perf-" + std::to_string(process) + ".map";
    struct stat file {};
    if (::lstat(path.c_str(), &file) != 0 || !S_ISREG(file.st_mode)) return;
    if (file.st_uid != ::geteuid() && file.st_uid != 0) return;
    std::ifstream in(path);
    read(in);
}

void PerfMap::read(std::istream& in)
{
    for (std::string line; std::getline(in, line);) {
        std::istringstream fields(line);
        std::uint64_t start = 0;
        std::uint64_t size = 0;
        std::string name;
        if (!(fields >> std::hex >> start >> size) || !std::getline(fields >> std::ws, name) ||
            size == 0 || size > UINT64_MAX - start)
            continue;
        // It is to be a field of a line.
        std::ranges::replace_if(
            name, [](unsigned char c) { return c < ' ' || c == 0x7F; }, '?');
        add(start, {.end = start + size, .name = name});
    }
}

void PerfMap::add(std::uint64_t start, Function function)
{
    auto first = functions_.lower_bound(start);
    if (first != functions_.begin() && std::prev(first)->second.end > start) --first;
    functions_.erase(first, functions_.lower_bound(function.end));
    functions_.emplace(start, std::move(function));
}

std::string PerfMap::name_at(std::uint64_t address) const
{
    const auto behind = functions_.upper_bound(address);
    if (behind == functions_.begin()) return {};
    const Function& function = std::prev(behind)->second;
    return address < function.end ? function.name : std::string();
}

} // namespace tarn
