// SPDX-License-Identifier: MIT

#include "tracer/json_parts.h"

#include <algorithm>
#include <array>
#include <climits>
#include <unistd.h>

#include "src/base/text.h"
#include "src/base/units.h"
#include "src/os/file.h"
#include "tracer/mapped_array.h"

namespace tarn {

namespace {

/// Of a command line; what is longer is cut.
constexpr std::size_t kMostArguments = KiB(64);

void write_arguments(JsonWriter& json)
{
    json.key("arguments").begin_array();
    MappedArray<char> text;
    if (text.resize(kMostArguments)) {
        std::string_view rest(text.all().data(),
                              os::read_file("/proc/self/cmdline", text.all().data(), text.size()));
        while (!rest.empty()) {
            const std::size_t end = std::min(rest.find('\0'), rest.size());
            json.text(slice(rest, 0, end));
            rest = slice(rest, end + 1);
        }
    }
    json.end_array();
}

void write_known(JsonWriter& json, std::string_view name, std::string_view text)
{
    if (!text.empty()) json.key(name).text(text);
}

void write_number(JsonWriter& json, std::string_view name, std::string_view digits)
{
    std::uint64_t number = 0;
    for (const char digit : digits)
        if (digit >= '0' && digit <= '9')
            number = number * 10 + static_cast<std::uint64_t>(digit - '0');
    if (number != 0) json.key(name).number(number);
}

void write_frame(void* context, const CallNames::Frame& frame)
{
    JsonWriter& json = *static_cast<JsonWriter*>(context);
    json.line_break().begin_object().key("address").address(frame.address);
    if (frame.module != nullptr) {
        json.key("module").text(frame.path);
        const std::span<const std::byte> id = frame.module->id;
        if (frame.module->id_size != 0)
            json.key("build_id").hexadecimal(id.first(frame.module->id_size));
        json.key("offset").address(frame.offset);
    }
    write_known(json, "function", frame.name);
    write_known(json, "file", frame.file);
    if (!frame.file.empty()) {
        write_number(json, "line", frame.line);
        write_number(json, "column", frame.column);
    }
    json.key("inlined").boolean(frame.is_inlined).end_object();
}

} // namespace

void write_json_process(JsonWriter& json)
{
    std::array<char, PATH_MAX> path{};
    const ::ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
    json.key("executable").text({path.data(), size > 0 ? static_cast<std::size_t>(size) : 0});
    write_arguments(json);
}

void write_json_stack(JsonWriter& json, const CallNames& names, TraceId trace)
{
    json.begin_array();
    names.for_each_frame(trace, write_frame, &json);
    json.end_array();
}

} // namespace tarn
