// SPDX-License-Identifier: MIT

#include "tracer/command/pprof.h"

#include <cerrno>
#include <chrono>
#include <map>
#include <protozero/pbf_writer.hpp>
#include <system_error>
#include <utility>
#include <zlib.h>

namespace tarn {

namespace {

// Field numbers of profile.proto.
namespace profile {
constexpr std::uint32_t kSampleType = 1;
constexpr std::uint32_t kSample = 2;
constexpr std::uint32_t kMapping = 3;
constexpr std::uint32_t kLocation = 4;
constexpr std::uint32_t kFunction = 5;
constexpr std::uint32_t kStrings = 6;
constexpr std::uint32_t kTime = 9;
constexpr std::uint32_t kPeriodType = 11;
constexpr std::uint32_t kPeriod = 12;
constexpr std::uint32_t kComments = 13;
constexpr std::uint32_t kDefaultSampleType = 14;
} // namespace profile

class ProfileWriter {
public:
    std::string write(const ProfileContents& contents)
    {
        const std::vector<ProfileFile>& files = contents.files;
        const std::vector<ProfileCall>& calls = contents.calls;
        for (const auto& [type, unit] : kProfileTypes)
            add_type(profile::kSampleType, type, unit);
        for (const ProfileStack& stack : contents.stacks)
            add_sample(stack, contents.nodes);
        for (std::size_t number = 0; number < files.size(); ++number)
            add_mapping(number + 1, files[number]);
        for (std::size_t number = 0; number < calls.size(); ++number)
            add_location(number + 1, calls[number], files);
        for (const auto& [function, number] : functions_)
            add_function(number, function);
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        writer_.add_int64(profile::kTime,
                          std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
        add_type(profile::kPeriodType, "space", "bytes");
        writer_.add_int64(profile::kPeriod, contents.period);
        for (const std::string& comment : contents.comments)
            writer_.add_int64(profile::kComments, text(comment));
        writer_.add_int64(profile::kDefaultSampleType, text("peak_space"));
        for (const std::string* const string : in_order_)
            writer_.add_string(profile::kStrings, *string);
        return std::move(data_);
    }

private:
    using Function = std::array<std::string, 3>; // name, name for the linker, file

    /// The number of a string in the table, which begins with the empty one.
    std::int64_t text(const std::string& string)
    {
        const auto [found, is_new] =
            strings_.try_emplace(string, static_cast<std::int64_t>(strings_.size()));
        if (is_new) in_order_.push_back(&found->first);
        return found->second;
    }

    void add_type(std::uint32_t field, const char* type, const char* unit)
    {
        std::string data;
        protozero::pbf_writer value(data);
        value.add_int64(1, text(type));
        value.add_int64(2, text(unit));
        writer_.add_message(field, data);
    }

    void add_sample(const ProfileStack& stack, const std::vector<ProfileNode>& nodes)
    {
        std::vector<std::uint64_t> locations;
        std::string tag;
        for (std::size_t node = stack.node; node != 0; node = nodes[node - 1].parent)
            if (nodes[node - 1].tag.empty())
                locations.push_back(nodes[node - 1].call + 1);
            else
                tag = nodes[node - 1].tag;
        std::string data;
        protozero::pbf_writer sample(data);
        sample.add_packed_uint64(1, locations.begin(), locations.end());
        sample.add_packed_int64(2, stack.values.begin(), stack.values.end());
        // As in pprof's own heap profiles: what -tags and -tagfocus know a block's size by.
        if (const auto& [blocks, bytes] = std::pair(stack.values[0], stack.values[1]); blocks > 0) {
            std::string label_data;
            protozero::pbf_writer label(label_data);
            label.add_int64(1, text("bytes"));
            label.add_int64(3, bytes / blocks);
            label.add_int64(4, text("bytes"));
            sample.add_message(3, label_data);
        }
        if (!tag.empty()) {
            std::string label_data;
            protozero::pbf_writer label(label_data);
            label.add_int64(1, text("tag"));
            label.add_int64(2, text(tag));
            sample.add_message(3, label_data);
        }
        writer_.add_message(profile::kSample, data);
    }

    void add_mapping(std::uint64_t id, const ProfileFile& file)
    {
        std::string data;
        protozero::pbf_writer mapping(data);
        mapping.add_uint64(1, id);
        mapping.add_uint64(2, file.start);
        mapping.add_uint64(3, file.end);
        mapping.add_int64(5, text(file.path));
        mapping.add_int64(6, text(file.build_id));
        for (const std::uint32_t has : {7U, 8U, 9U, 10U}) // functions, files, lines, inlined ones
            mapping.add_bool(has, true);
        writer_.add_message(profile::kMapping, data);
    }

    void add_location(std::uint64_t id, const ProfileCall& call,
                      const std::vector<ProfileFile>& files)
    {
        std::string data;
        protozero::pbf_writer location(data);
        location.add_uint64(1, id);
        const bool is_known = call.file < files.size();
        if (is_known) location.add_uint64(2, call.file + 1);
        location.add_uint64(3, call.address + (is_known ? files[call.file].bias : 0));
        for (const SourceFrame& frame : call.frames) {
            if (frame.function.empty()) continue;
            std::string line_data;
            protozero::pbf_writer line(line_data);
            line.add_uint64(1, function({frame.function, frame.linkage, frame.file}));
            line.add_int64(2, frame.line);
            location.add_message(4, line_data);
        }
        writer_.add_message(profile::kLocation, data);
    }

    std::uint64_t function(const Function& wanted)
    {
        return functions_.try_emplace(wanted, functions_.size() + 1).first->second;
    }

    void add_function(std::uint64_t id, const Function& wanted)
    {
        const auto& [name, linkage, file] = wanted;
        std::string data;
        protozero::pbf_writer function(data);
        function.add_uint64(1, id);
        function.add_int64(2, text(name));
        function.add_int64(3, text(linkage.empty() ? name : linkage));
        function.add_int64(4, text(file));
        writer_.add_message(profile::kFunction, data);
    }

    std::string data_;
    protozero::pbf_writer writer_{data_};
    std::map<std::string, std::int64_t> strings_{{"", 0}};
    std::vector<const std::string*> in_order_{&strings_.begin()->first};
    std::map<Function, std::uint64_t> functions_;
};

} // namespace

std::string write_profile(const std::string& path, const ProfileContents& contents)
{
    const std::string data = ProfileWriter().write(contents);
    errno = 0;
    const gzFile file = gzopen(path.c_str(), "wb");
    if (file == nullptr) return std::generic_category().message(errno);
    const bool is_whole = gzfwrite(data.data(), 1, data.size(), file) == data.size();
    if (gzclose(file) != Z_OK || !is_whole)
        return errno != 0 ? std::generic_category().message(errno)
                          : "it could not be written whole";
    return {};
}

} // namespace tarn
