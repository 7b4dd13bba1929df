// SPDX-License-Identifier: MIT

#include "tracer/leak_json.h"

#include <array>
#include <climits>
#include <cstring>
#include <unistd.h>

#include "src/base/json.h"
#include "src/base/text.h"
#include "src/base/units.h"
#include "src/include/tarn/version.h"
#include "src/os/file.h"
#include "src/os/process.h"
#include "tracer/mapped_array.h"
#include "tracer/tags.h"

namespace tarn {

namespace {

constexpr std::array<std::string_view, kReachCount> kKinds{"definite", "indirect", "possible",
                                                           "reachable"};

/// Of a command line; what is longer is cut.
constexpr std::size_t kMostArguments = KiB(64);

constinit os::Output file;

class LeakJson {
public:
    explicit LeakJson(const LeakFindings& found)
        : found_(found), json_([](std::string_view text) { file.write(text); })
    {}

    void write()
    {
        json_.begin_object().line_break();
        write_process();
        write_totals();
        json_.line_break().key("groups").begin_array();
        for (const LeakGroup& group : found_.groups.all())
            write_group(group);
        json_.line_break().end_array().line_break().end_object();
    }

private:
    void write_process()
    {
        std::array<char, PATH_MAX> path{};
        const ::ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
        json_.key("tool").text("tarn").key("version").text(TARN_VERSION);
        json_.key("format").number(kLeakJsonFormat).line_break();
        json_.key("process").number(os::process_id());
        json_.key("executable").text({path.data(), size > 0 ? static_cast<std::size_t>(size) : 0});
        write_arguments();
        json_.key("time").number(os::wall_clock_seconds());
        json_.key("since").number(found_.since).line_break();
    }

    void write_arguments()
    {
        json_.key("arguments").begin_array();
        MappedArray<char> text;
        if (text.resize(kMostArguments)) {
            std::string_view rest(text.all().data(), os::read_file("/proc/self/cmdline",
                                                                   text.all().data(), text.size()));
            while (!rest.empty()) {
                const std::size_t end = std::min(rest.find('\0'), rest.size());
                json_.text(slice(rest, 0, end));
                rest = slice(rest, end + 1);
            }
        }
        json_.end_array();
    }

    void write_total(std::string_view name, const LeakTotal& total)
    {
        json_.key(name).begin_object();
        json_.key("bytes").number(total.bytes).key("blocks").number(total.blocks).end_object();
    }

    void write_totals()
    {
        json_.key("totals").begin_object();
        for (std::size_t reach = 0; reach < kReachCount; ++reach)
            write_total(kKinds[reach], found_.groups.total(static_cast<Reach>(reach)));
        write_total("suppressed", found_.groups.suppressed());
        write_total("old", found_.groups.old());
        write_total("old_lost", found_.groups.old_lost());
        json_.end_object().line_break();
        json_.key("heap").begin_object();
        json_.key("allocations").number(found_.calls.allocations);
        json_.key("frees").number(found_.calls.frees).end_object().line_break();
        json_.key("unstopped").number(found_.unstopped);
        json_.key("rounded").boolean(found_.groups.has_untraced());
        json_.key("names").boolean(found_.groups.has_names());
        json_.key("shown").begin_array();
        for (std::size_t reach = 0; reach < kReachCount; ++reach)
            if (is_in(found_.show, static_cast<Reach>(reach))) json_.text(kKinds[reach]);
        json_.end_array();
    }

    void write_group(const LeakGroup& group)
    {
        json_.line_break().begin_object();
        json_.key("kind").text(kKinds[static_cast<std::size_t>(group.reach)]);
        json_.key("bytes").number(group.own.bytes).key("blocks").number(group.own.blocks);
        json_.key("sizes").begin_object().key("least").number(group.least);
        json_.key("most").number(group.most).end_object();
        write_total("with", group.with);
        if (const TagId tag = tag_of(group.trace); tag != kNoTag)
            json_.key("tag").text(tag_table[tag].path());
        json_.key("stack").begin_array();
        found_.groups.names().for_each_frame(
            group.trace,
            [](void* context, const CallNames::Frame& frame) {
                static_cast<LeakJson*>(context)->write_frame(frame);
            },
            this);
        json_.end_array().end_object();
    }

    void write_known(std::string_view name, std::string_view text)
    {
        if (!text.empty()) json_.key(name).text(text);
    }

    void write_number(std::string_view name, std::string_view digits)
    {
        std::uint64_t number = 0;
        for (const char digit : digits)
            if (digit >= '0' && digit <= '9')
                number = number * 10 + static_cast<std::uint64_t>(digit - '0');
        if (number != 0) json_.key(name).number(number);
    }

    void write_frame(const CallNames::Frame& frame)
    {
        json_.line_break().begin_object().key("address").address(frame.address);
        if (frame.module != nullptr) {
            json_.key("module").text(frame.path);
            const std::span<const std::byte> id = frame.module->id;
            if (frame.module->id_size != 0)
                json_.key("build_id").hexadecimal(id.first(frame.module->id_size));
            json_.key("offset").address(frame.offset);
        }
        write_known("function", frame.name);
        write_known("file", frame.file);
        if (!frame.file.empty()) {
            write_number("line", frame.line);
            write_number("column", frame.column);
        }
        json_.key("inlined").boolean(frame.is_inlined).end_object();
    }

    const LeakFindings& found_;
    JsonWriter json_;
};

} // namespace

void write_leak_json(const char* path, const LeakFindings& found, TextSink sink)
{
    if (!file.open(path, os::Output::Mode::replace)) return;
    LeakJson(found).write();
    file.write("\n");
    if (const int problem = file.close())
        Printer(sink) << "tarn: cannot write '" << path << "': " << ::strerrordesc_np(problem)
                      << "\n";
}

} // namespace tarn
