// SPDX-License-Identifier: MIT

#include "tracer/leak_json.h"

#include <array>
#include <cstring>

#include "src/base/json.h"
#include "src/include/tarn/version.h"
#include "src/os/file.h"
#include "src/os/process.h"
#include "tracer/json_parts.h"
#include "tracer/tags.h"

namespace tarn {

namespace {

constexpr std::array<std::string_view, kReachCount> kKinds{"definite", "indirect", "possible",
                                                           "reachable"};

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
        json_.key("tool").text("tarn").key("version").text(TARN_VERSION);
        json_.key("format").number(kLeakJsonFormat).line_break();
        json_.key("process").number(os::process_id());
        write_json_process(json_);
        json_.key("time").number(os::wall_clock_seconds());
        json_.key("since").number(found_.since).line_break();
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
        json_.key("stack");
        write_json_stack(json_, found_.groups.names(), group.trace);
        json_.end_object();
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
