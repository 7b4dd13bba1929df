// SPDX-License-Identifier: MIT
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <iterator>
#include <ostream>

#include <tarn/profiling_resource.h>

#include "src/resources/fields.h"

namespace tarn {

namespace {

void add(HotPath& path, const ResourceProfile& profile)
{
    path.calls += profile.allocate.calls + profile.deallocate.calls;
    path.bytes += profile.bytes_allocated;
    // What happens meanwhile may be in the second sum only.
    path.in_use +=
        profile.bytes_allocated - std::min(profile.bytes_allocated, profile.bytes_deallocated);
    path.time += profile.allocate.total + profile.deallocate.total;
}

template <class Number> double share(Number part, Number whole)
{
    return whole != 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

std::string as_percent(double share)
{
    char text[16];
    std::snprintf(text, sizeof text, "%.1f%%", share * 100);
    return text;
}

std::string as_json(double share)
{
    char text[16];
    // Unlike printf(), without the decimal point of the locale.
    return {text, std::to_chars(text, std::end(text), share, std::chars_format::fixed, 4).ptr};
}

} // namespace

std::vector<HotPath> hot_paths(std::span<const ResourceProfile> profiles, double threshold)
{
    std::vector<HotPath> paths;
    HotPath all;
    for (const ResourceProfile& profile : profiles) {
        const auto has_its_name = [&](const HotPath& path) { return path.name == profile.name; };
        auto found = std::find_if(paths.begin(), paths.end(), has_its_name);
        if (found == paths.end()) found = paths.insert(paths.end(), HotPath{.name = profile.name});
        add(*found, profile);
        add(all, profile);
    }
    for (HotPath& path : paths) {
        path.call_share = share(path.calls, all.calls);
        path.byte_share = share(path.bytes, all.bytes);
        path.time_share = share(path.time.count(), all.time.count());
    }
    std::erase_if(paths, [threshold](const HotPath& path) {
        return std::max({path.call_share, path.byte_share, path.time_share}) < threshold;
    });
    std::stable_sort(paths.begin(), paths.end(),
                     [](const HotPath& a, const HotPath& b) { return a.time > b.time; });
    return paths;
}

std::ostream& operator<<(std::ostream& out, const std::vector<HotPath>& paths)
{
    for (const HotPath& path : paths)
        out << path.name << ": time " << path.time.count() << " ns (" << as_percent(path.time_share)
            << "), calls " << path.calls << " (" << as_percent(path.call_share) << "), bytes "
            << path.bytes << " (" << as_percent(path.byte_share) << "), in_use " << path.in_use
            << '\n';
    return out;
}

std::string to_json(const std::vector<HotPath>& paths)
{
    std::string text;
    for (const HotPath& path : paths) {
        text += text.empty() ? "[" : ",";
        text += R"({"name":)" + detail::json_text(path.name) + R"(,"calls":)" +
                std::to_string(path.calls) + R"(,"bytes":)" + std::to_string(path.bytes) +
                R"(,"in_use":)" + std::to_string(path.in_use) + R"(,"time_ns":)" +
                std::to_string(path.time.count()) + R"(,"call_share":)" + as_json(path.call_share) +
                R"(,"byte_share":)" + as_json(path.byte_share) + R"(,"time_share":)" +
                as_json(path.time_share) + "}";
    }
    return text.empty() ? "[]" : text + "]";
}

} // namespace tarn
