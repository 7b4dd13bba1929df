// SPDX-License-Identifier: MIT

#include "tracer/check_json.h"

#include "src/base/json.h"
#include "src/include/tarn/version.h"
#include "src/os/file.h"
#include "src/os/process.h"
#include "tracer/check_words.h"
#include "tracer/json_parts.h"
#include "tracer/mapped_array.h"
#include "tracer/rerun_advice.h"

namespace tarn {

namespace {

constinit MappedArray<char>* collected = nullptr;

/// A TextSink. What finds no memory is lost.
void collect(std::string_view text)
{
    for (const char c : text)
        collected->push_back(c);
}

std::string_view text_of(const MappedArray<char>& text)
{
    return {text.all().data(), text.size()};
}

class CheckJson {
public:
    CheckJson(const CheckError& error, const AddressPlace& place, const CallNames& names,
              bool has_names)
        : error_(error), place_(place), names_(names), has_names_(has_names)
    {
        collected = &message_;
        {
            Printer out(collect);
            print_what(out, error);
        }
        collected = &rerun_;
        Printer out(collect);
        print_guard_command(out, error);
    }

    /// The line, which stays as long as this object.
    std::string_view write()
    {
        collected = &line_;
        {
            JsonWriter json(collect, JsonWriter::Lines::one);
            json.begin_object();
            write_error(json);
            write_process(json);
            json.key("stacks").begin_object();
            write_stack(json, "access", error_.here);
            write_stack(json, "allocation", error_.block.allocated_at);
            write_stack(json, "free", error_.block.freed_at);
            json.end_object().end_object();
        }
        collect("\n");
        return text_of(line_);
    }

private:
    void write_process(JsonWriter& json) const
    {
        json.key("process").number(os::process_id());
        json.key("thread").number(error_.noticed_by);
        write_json_process(json);
        json.key("time").number(os::wall_clock_seconds());
        json.key("names").boolean(has_names_);
        if (!rerun_.empty()) json.key("rerun").text(text_of(rerun_));
    }

    void write_error(JsonWriter& json) const
    {
        json.key("tool").text("tarn").key("version").text(TARN_VERSION);
        json.key("format").number(kCheckJsonFormat);
        json.key("kind").text(name_of(error_)).key("message").text(text_of(message_));
        if (error_.has_address && (error_.address != 0 || error_.fault == CheckFault::bad_access))
            json.key("address").address(error_.address);
        if (const std::string_view access = name_of(error_.access); !access.empty())
            json.key("access").text(access);
        if (error_.access != AccessKind::none) json.key("instruction").address(error_.instruction);
        if (error_.pointer_register != nullptr) {
            json.key("pointer").begin_object();
            json.key("register").text(error_.pointer_register);
            json.key("value").address(error_.pointer);
            json.key("in_memory").boolean(error_.is_pointer_in_memory).end_object();
        }
        if (error_.fault == CheckFault::impossible_size) {
            json.key("requested").number(error_.size);
            if (error_.count != 1) json.key("count").number(error_.count);
        }
        if (error_.changed_size != 0) write_change(json);
        if (error_.block.start != 0) write_block(json);
        if (error_.stack_of != kNoThread || place_.module != kNoModule) write_place(json);
    }

    void write_place(JsonWriter& json) const
    {
        json.key("place").begin_object();
        if (error_.stack_of != kNoThread) {
            json.key("stack_of").number(error_.stack_of).end_object();
            return;
        }
        const Module& module = module_table[place_.module];
        json.key("module").text(path_of(module));
        json.key("offset").address(error_.address - module.bias);
        if (const std::string_view symbol = names_.data_symbol().name; !symbol.empty())
            json.key("symbol").text(symbol);
        json.end_object();
    }

    void write_change(JsonWriter& json) const
    {
        json.key("written").begin_object();
        json.key("address").address(error_.changed);
        json.key("bytes").number(error_.changed_size);
        json.key("or_more").boolean(error_.may_go_on);
        json.key("noticed").text(error_.occasion != nullptr ? error_.occasion
                                                            : "when the block was freed");
        json.end_object();
    }

    void write_block(JsonWriter& json) const
    {
        const CheckedBlock& block = error_.block;
        json.key("block").begin_object();
        json.key("address").address(block.start).key("size").number(block.size);
        // A pointer that was read from it says nothing of where that was.
        if (error_.fault != CheckFault::stale_pointer)
            json.key("offset").integer(static_cast<std::int64_t>(error_.address - block.start));
        json.key("allocator").text(allocator_of(block));
        json.key("allocated_by").number(block.allocated_by);
        json.key("freed").boolean(block.is_freed);
        if (block.is_freed) {
            json.key("freed_by").number(block.freed_by);
            json.key("freed_ago").number(block.freed_ago);
        }
        json.end_object();
    }

    void write_stack(JsonWriter& json, std::string_view name, TraceId trace) const
    {
        if (trace == kNoTrace) return;
        json.key(name);
        write_json_stack(json, names_, trace);
    }

    const CheckError& error_;
    const AddressPlace& place_;
    const CallNames& names_;
    bool has_names_;
    MappedArray<char> message_;
    MappedArray<char> rerun_;
    MappedArray<char> line_;
};

} // namespace

void write_check_json(const char* path, const CheckError& error, const AddressPlace& place,
                      const CallNames& names, bool has_names)
{
    os::Output file;
    if (!file.open(path, os::Output::Mode::append)) return;
    file.write(CheckJson(error, place, names, has_names).write());
    if (const int problem = file.close()) os::complain_of_file(path, problem);
}

} // namespace tarn
