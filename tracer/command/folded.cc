// SPDX-License-Identifier: MIT

#include "tracer/command/folded.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <memory>
#include <ostream>
#include <protozero/pbf_reader.hpp>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <vector>
#include <zlib.h>

namespace tarn {

namespace {

constexpr const char* kNoProfile = "no profile for pprof";

/// More than any profile: what unpacks to that is none.
constexpr std::size_t kMostData = std::size_t{1} << 31U;

/// A message of profile.proto. Fields that are not known are skipped.
using Fields = protozero::pbf_reader;

/// protozero leaves to its caller what type a field has, and these throw if it is another one.
void expect_type(const Fields& fields, protozero::pbf_wire_type type)
{
    if (fields.wire_type() != type) throw protozero::unknown_pbf_wire_type_exception();
}

std::uint64_t number_in(Fields& fields)
{
    expect_type(fields, protozero::pbf_wire_type::varint);
    return fields.get_uint64();
}

std::int64_t signed_in(Fields& fields)
{
    return static_cast<std::int64_t>(number_in(fields));
}

Fields message_in(Fields& fields)
{
    expect_type(fields, protozero::pbf_wire_type::length_delimited);
    return fields.get_message();
}

/// Numbers of strings; of a label that is a number, the second one is 0.
struct Label {
    std::int64_t key;
    std::int64_t text;
};

struct Sample {
    std::vector<std::uint64_t> locations; // ids, innermost first
    std::vector<std::int64_t> values;
    std::vector<Label> labels;
};

struct Location {
    std::uint64_t mapping = 0; // id; 0: none
    std::uint64_t address = 0;
    std::vector<std::uint64_t> functions; // ids, innermost first
};

/// As the file has it, see command/pprof.cc for the numbers of its fields.
class Profile {
public:
    explicit Profile(std::string_view data)
    {
        Fields fields(data.data(), data.size());
        std::size_t number = 0;
        const std::size_t whole = data.size();
        for (std::size_t at = 0; at < whole; ++number) {
            try {
                if (!fields.next()) break;
                read_part(fields);
            } catch (const protozero::exception& problem) {
                // A profile begins with the kinds of its values.
                if (types_.empty()) throw std::runtime_error(kNoProfile);
                throw std::runtime_error("damaged at byte " + std::to_string(at) + " of its " +
                                         std::to_string(whole) + " when unpacked, in part " +
                                         std::to_string(number + 1) + ": " + problem.what());
            }
            at = whole - fields.length();
        }
        if (strings_.empty() || !strings_[0].empty() || types_.empty())
            throw std::runtime_error(kNoProfile);
    }

    std::string value_names() const
    {
        std::string names;
        for (const std::int64_t type : types_)
            names += (names.empty() ? "" : ", ") + text(type);
        return names;
    }

    /// The number of a kind of value.
    std::size_t index_of(const std::string& value) const
    {
        for (std::size_t index = 0; index < types_.size(); ++index)
            if (text(types_[index]) == (value.empty() ? text(default_type_) : value)) return index;
        if (value.empty()) return types_.size() - 1;
        throw std::runtime_error("has no value '" + value + "', but " + value_names());
    }

    const std::vector<Sample>& samples() const { return samples_; }

    std::vector<std::string> comments() const
    {
        std::vector<std::string> texts;
        for (const std::int64_t comment : comments_)
            texts.push_back(text(comment));
        return texts;
    }

    /// Outermost first.
    std::string stack_of(const Sample& sample, bool has_tags) const
    {
        std::vector<std::string> names;
        for (const std::uint64_t location : sample.locations)
            add_names(location, names);
        for (const Label& label : sample.labels)
            if (has_tags && text(label.key) == "tag")
                names.push_back("tag:" + one_word(text(label.text)));
        std::string stack;
        std::ranges::reverse(names);
        for (const std::string& name : names)
            stack += (stack.empty() ? "" : ";") + name;
        return stack.empty() ? "[no stack]" : stack;
    }

private:
    void read_part(Fields& part)
    {
        switch (part.tag()) {
        case 1:
            types_.push_back(field(message_in(part), 1));
            break;
        case 2:
            read_sample(message_in(part));
            break;
        case 3:
            read_mapping(message_in(part));
            break;
        case 4:
            read_location(message_in(part));
            break;
        case 5:
            read_function(message_in(part));
            break;
        case 6:
            expect_type(part, protozero::pbf_wire_type::length_delimited);
            strings_.push_back(part.get_string());
            break;
        case 13:
            read_values(part, comments_);
            break;
        case 14:
            default_type_ = signed_in(part);
            break;
        default:
            part.skip();
        }
    }

    static std::int64_t field(Fields message, protozero::pbf_tag_type tag)
    {
        std::int64_t value = 0;
        while (message.next())
            if (message.tag() == tag)
                value = signed_in(message);
            else
                message.skip();
        return value;
    }

    /// Some writers do not pack them.
    static bool is_packed(const Fields& message)
    {
        return message.wire_type() == protozero::pbf_wire_type::length_delimited;
    }

    static void read_values(Fields& part, std::vector<std::int64_t>& into)
    {
        if (is_packed(part))
            for (const std::int64_t value : part.get_packed_int64())
                into.push_back(value);
        else
            into.push_back(signed_in(part));
    }

    void read_sample(Fields message)
    {
        Sample sample;
        while (message.next()) {
            if (message.tag() == 1 && is_packed(message)) {
                for (const std::uint64_t location : message.get_packed_uint64())
                    sample.locations.push_back(location);
            } else if (message.tag() == 1) {
                sample.locations.push_back(number_in(message));
            } else if (message.tag() == 2) {
                read_values(message, sample.values);
            } else if (message.tag() == 3) {
                const Fields label = message_in(message);
                sample.labels.push_back({.key = field(label, 1), .text = field(label, 2)});
            } else {
                message.skip();
            }
        }
        samples_.push_back(std::move(sample));
    }

    void read_mapping(Fields message)
    {
        const auto id = static_cast<std::uint64_t>(field(message, 1));
        mappings_[id] = {static_cast<std::uint64_t>(field(message, 2)), field(message, 5)};
    }

    void read_location(Fields message)
    {
        std::uint64_t id = 0;
        Location location;
        while (message.next()) {
            switch (message.tag()) {
            case 1:
                id = number_in(message);
                break;
            case 2:
                location.mapping = number_in(message);
                break;
            case 3:
                location.address = number_in(message);
                break;
            case 4:
                location.functions.push_back(
                    static_cast<std::uint64_t>(field(message_in(message), 1)));
                break;
            default:
                message.skip();
            }
        }
        locations_[id] = std::move(location);
    }

    void read_function(Fields message)
    {
        functions_[static_cast<std::uint64_t>(field(message, 1))] = field(message, 2);
    }

    std::string text(std::int64_t number) const
    {
        const auto index = static_cast<std::size_t>(number);
        return number >= 0 && index < strings_.size() ? strings_[index] : std::string();
    }

    /// The functions of a call, or where it is.
    void add_names(std::uint64_t id, std::vector<std::string>& names) const
    {
        const auto found = locations_.find(id);
        const Location location = found != locations_.end() ? found->second : Location{};
        const std::size_t before = names.size();
        for (const std::uint64_t function : location.functions) {
            const auto name = functions_.find(function);
            if (name != functions_.end() && !text(name->second).empty())
                names.push_back(one_word(text(name->second)));
        }
        if (names.size() == before) names.push_back(place_of(location));
    }

    std::string place_of(const Location& location) const
    {
        std::ostringstream place;
        const auto mapping = mappings_.find(location.mapping);
        if (mapping == mappings_.end()) {
            place << "[0x" << std::hex << location.address << "]";
            return place.str();
        }
        const auto& [start, file] = mapping->second;
        const std::string path = one_word(text(file));
        place << "[" << path.substr(path.rfind('/') + 1) << "+0x" << std::hex
              << location.address - start << "]";
        return place.str();
    }

    /// A semicolon ends a name, a line break a stack.
    static std::string one_word(std::string name)
    {
        std::ranges::replace(name, ';', ':');
        std::ranges::replace_if(
            name, [](char c) { return c == '\n' || c == '\r'; }, ' ');
        return name;
    }

    struct Mapping {
        std::uint64_t start;
        std::int64_t file; // number of its path
    };
    std::vector<std::int64_t> types_; // numbers of their names
    std::vector<Sample> samples_;
    std::map<std::uint64_t, Mapping> mappings_;
    std::map<std::uint64_t, Location> locations_;
    std::map<std::uint64_t, std::int64_t> functions_; // numbers of their names
    std::vector<std::string> strings_;
    std::vector<std::int64_t> comments_; // numbers of their texts
    std::int64_t default_type_ = 0;
};

} // namespace

std::string read_profile(const std::string& path)
{
    errno = 0;
    const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
    if (file == nullptr)
        throw std::runtime_error(path + ": " + std::generic_category().message(errno));
    std::string data;
    std::array<char, 65536> part;
    for (;;) {
        errno = 0;
        const int size = gzread(file.get(), part.data(), part.size());
        if (size > 0) data.append(part.data(), static_cast<std::size_t>(size));
        if (data.size() > kMostData)
            throw std::runtime_error(path + ": is too large for a profile");
        if (size > 0) continue;
        int code = Z_OK;
        std::string problem = gzerror(file.get(), &code);
        if (code == Z_OK || code == Z_STREAM_END) return data;
        if (code == Z_ERRNO) problem = std::generic_category().message(errno);
        std::ostringstream text;
        text << path << ": damaged at about byte " << std::max<z_off_t>(gzoffset(file.get()), 0)
             << ": " << problem;
        throw std::runtime_error(text.str());
    }
}

void write_folded(std::string_view data, const FoldOptions& options, std::ostream& out)
{
    const Profile profile(data);
    const std::size_t index = profile.index_of(options.value);
    std::map<std::string, std::int64_t> totals;
    for (const Sample& sample : profile.samples()) {
        const std::int64_t own = index < sample.values.size() ? sample.values[index] : 0;
        // Those of a difference may be negative, which a flame graph cannot show.
        std::int64_t& total = totals[profile.stack_of(sample, options.has_tags)];
        if (own > 0 && __builtin_add_overflow(total, own, &total))
            throw std::runtime_error("its values are too large");
    }
    for (const auto& [stack, total] : totals)
        if (total > 0) out << stack << " " << total << "\n";
}

void write_comments(std::string_view data, std::ostream& out)
{
    for (std::string comment : Profile(data).comments()) {
        std::ranges::replace(comment, '\n', ' ');
        out << comment << "\n";
    }
}

} // namespace tarn
