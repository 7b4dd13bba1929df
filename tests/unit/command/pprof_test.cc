// SPDX-License-Identifier: MIT

#include "tracer/command/pprof.h"

#include <filesystem>
#include <map>
#include <set>
#include <string_view>
#include <unistd.h>
#include <zlib.h>

#include <gtest/gtest.h>

namespace tarn {

namespace {

namespace fs = std::filesystem;

/// A message of protocol buffers as it lies in the file: numbers and texts by their field.
struct Message {
    std::map<unsigned, std::vector<std::uint64_t>> numbers;
    std::map<unsigned, std::vector<std::string>> texts;

    std::uint64_t number(unsigned field) const
    {
        const auto found = numbers.find(field);
        return found == numbers.end() ? 0 : found->second.at(0);
    }
    std::vector<Message> messages(unsigned field) const;
};

std::uint64_t read_varint(std::string_view& data)
{
    std::uint64_t value = 0;
    for (unsigned shift = 0; !data.empty(); shift += 7) {
        const auto byte = static_cast<unsigned char>(data.front());
        data.remove_prefix(1);
        value |= std::uint64_t{byte & 0x7FU} << shift;
        if (byte < 0x80) return value;
    }
    ADD_FAILURE() << "the data ends inside a number";
    return 0;
}

std::vector<std::uint64_t> read_packed(std::string_view data)
{
    std::vector<std::uint64_t> values;
    while (!data.empty())
        values.push_back(read_varint(data));
    return values;
}

Message read_message(std::string_view data)
{
    Message message;
    while (!data.empty()) {
        const std::uint64_t key = read_varint(data);
        const auto field = static_cast<unsigned>(key >> 3U);
        if ((key & 7U) == 0) {
            message.numbers[field].push_back(read_varint(data));
            continue;
        }
        EXPECT_EQ(key & 7U, 2U);
        const std::uint64_t size = read_varint(data);
        EXPECT_LE(size, data.size());
        if ((key & 7U) != 2 || size > data.size()) break;
        message.texts[field].emplace_back(data.substr(0, size));
        data.remove_prefix(size);
    }
    return message;
}

std::vector<Message> Message::messages(unsigned field) const
{
    std::vector<Message> all;
    const auto found = texts.find(field);
    if (found == texts.end()) return all;
    for (const std::string& text : found->second)
        all.push_back(read_message(text));
    return all;
}

/// Numbers of fields in profile.proto.
enum Profile : unsigned {
    kSampleType = 1,
    kSample = 2,
    kMapping = 3,
    kLocation = 4,
    kFunction = 5,
    kStrings = 6,
    kDefaultSampleType = 14,
};

class ProfileTest : public testing::Test {
protected:
    void TearDown() override { fs::remove(path_); }

    void write(const ProfileContents& contents)
    {
        ASSERT_EQ(write_profile(path_, contents), "");
        const gzFile file = gzopen(path_.c_str(), "rb");
        ASSERT_NE(file, nullptr);
        std::string data;
        std::array<char, 4096> part;
        for (int size; (size = gzread(file, part.data(), part.size())) > 0;)
            data.append(part.data(), static_cast<std::size_t>(size));
        EXPECT_EQ(gzdirect(file), 0) << "is not compressed";
        gzclose(file);
        profile = read_message(data);
    }

    std::string text(std::uint64_t number) const { return profile.texts.at(kStrings).at(number); }

    Message profile;

private:
    std::string path_ = fs::temp_directory_path() / ("pprof_test." + std::to_string(::getpid()));
};

SourceFrame frame(const char* function, const char* linkage, const char* file, int line)
{
    SourceFrame made;
    made.function = function;
    made.linkage = linkage;
    made.file = file;
    made.line = line;
    return made;
}

TEST_F(ProfileTest, BeginsItsStringsWithTheEmptyOne)
{
    write({});
    EXPECT_EQ(text(0), "");
    const std::vector<std::string>& strings = profile.texts[kStrings];
    const std::set<std::string> different(strings.begin(), strings.end());
    EXPECT_EQ(different.size(), strings.size()) << "one is there twice";
}

TEST_F(ProfileTest, HasTheSampleTypesThatPprofKnows)
{
    write({});
    std::vector<std::string> types;
    for (const Message& type : profile.messages(kSampleType))
        types.push_back(text(type.number(1)) + "/" + text(type.number(2)));
    EXPECT_EQ(types,
              (std::vector<std::string>{
                  "alloc_objects/count", "alloc_space/bytes", "inuse_objects/count",
                  "inuse_space/bytes", "peak_objects/count", "peak_space/bytes",
                  "temporary_objects/count", "freed_elsewhere_objects/count", "reallocs/count",
                  "realloc_copied/bytes", "inuse_rounding/bytes", "peak_rounding/bytes"}));
    EXPECT_EQ(text(profile.number(kDefaultSampleType)), "peak_space");
}

TEST_F(ProfileTest, NumbersFilesFromOne)
{
    write(
        {.files =
             {{.path = "/bin/a", .build_id = "0a1b", .start = 0x1000, .end = 0x3000, .bias = 0x800},
              {.path = "/lib/b.so",
               .build_id = "",
               .start = 0x7f0000000000,
               .end = 0x7f0000001000}},
         .calls = {},
         .nodes = {},
         .stacks = {}});
    const std::vector<Message> mappings = profile.messages(kMapping);
    ASSERT_EQ(mappings.size(), 2U);
    EXPECT_EQ(mappings[0].number(1), 1U);
    EXPECT_EQ(mappings[0].number(2), 0x1000U);
    EXPECT_EQ(mappings[0].number(3), 0x3000U);
    EXPECT_EQ(text(mappings[0].number(5)), "/bin/a");
    EXPECT_EQ(text(mappings[0].number(6)), "0a1b");
    EXPECT_EQ(mappings[1].number(1), 2U);
    EXPECT_EQ(mappings[1].number(2), 0x7f0000000000U);
    EXPECT_EQ(text(mappings[1].number(6)), "");
}

TEST_F(ProfileTest, HasTheFunctionsOfEachCallInnermostFirst)
{
    write({.files = {{.path = "/bin/a", .build_id = "", .start = 0, .end = 0, .bias = 0x10000}},
           .calls = {{.file = 0,
                      .address = 0x234,
                      .frames = {frame("inlined()", "_Z7inlinedv", "a.cc", 3),
                                 frame("main", "", "a.cc", 9)}},
                     {.file = 0, .address = 0x400, .frames = {frame("main", "", "a.cc", 12)}}},
           .nodes = {},
           .stacks = {}});
    const std::vector<Message> locations = profile.messages(kLocation);
    ASSERT_EQ(locations.size(), 2U);
    EXPECT_EQ(locations[0].number(1), 1U);
    EXPECT_EQ(locations[0].number(2), 1U);
    EXPECT_EQ(locations[0].number(3), 0x10234U) << "addresses are those in memory";

    std::map<std::uint64_t, Message> functions;
    for (const Message& function : profile.messages(kFunction))
        functions[function.number(1)] = function;
    EXPECT_EQ(functions.size(), 2U) << "main is one function";
    const std::vector<Message> lines = locations[0].messages(4);
    ASSERT_EQ(lines.size(), 2U);
    const Message& innermost = functions.at(lines[0].number(1));
    EXPECT_EQ(text(innermost.number(2)), "inlined()");
    EXPECT_EQ(text(innermost.number(3)), "_Z7inlinedv");
    EXPECT_EQ(text(innermost.number(4)), "a.cc");
    EXPECT_EQ(lines[0].number(2), 3U);
    const Message& outer = functions.at(lines[1].number(1));
    EXPECT_EQ(text(outer.number(2)), "main");
    EXPECT_EQ(text(outer.number(3)), "main") << "a C function has one name";
    EXPECT_EQ(locations[1].messages(4).at(0).number(1), lines[1].number(1));
    EXPECT_EQ(locations[1].messages(4).at(0).number(2), 12U);
}

TEST_F(ProfileTest, HasCallsOfWhichNothingIsKnown)
{
    write({.files = {},
           .calls = {{.file = 0, .address = 0x77, .frames = {frame("", "", "", 0)}}},
           .nodes = {},
           .stacks = {}});
    const Message location = profile.messages(kLocation).at(0);
    EXPECT_EQ(location.number(1), 1U);
    EXPECT_EQ(location.number(2), 0U) << "no file";
    EXPECT_EQ(location.number(3), 0x77U);
    EXPECT_EQ(location.messages(4).size(), 0U);
    EXPECT_EQ(profile.messages(kFunction).size(), 0U);
}

TEST_F(ProfileTest, HasTheStacksWithTheirValues)
{
    const ProfileCall call{.file = 0, .address = 1, .frames = {}};
    constexpr std::int64_t kMany = std::int64_t{1} << 40;
    constexpr ProfileValues kValues{1, 2, 3, 4, 5, kMany, 7, 8, 9, 10, 11, 12};
    // Two stacks, whose outer call is the same.
    write({.files = {},
           .calls = {call, call, call},
           .nodes = {{.parent = 0, .call = 0}, {.parent = 1, .call = 2}},
           .stacks = {{.node = 2, .values = kValues}, {.node = 1, .values = {}}}});
    const Message sample = profile.messages(kSample).at(0);
    EXPECT_EQ(read_packed(sample.texts.at(1).at(0)), (std::vector<std::uint64_t>{3, 1}));
    EXPECT_EQ(read_packed(sample.texts.at(2).at(0)),
              std::vector<std::uint64_t>(kValues.begin(), kValues.end()));
    const Message label = sample.messages(3).at(0);
    EXPECT_EQ(text(label.number(1)), "bytes");
    EXPECT_EQ(label.number(3), 2U) << "each, on average";
    const Message other = profile.messages(kSample).at(1);
    EXPECT_EQ(read_packed(other.texts.at(1).at(0)), std::vector<std::uint64_t>{1});
    EXPECT_EQ(read_packed(other.texts.at(2).at(0)),
              std::vector<std::uint64_t>(kProfileTypes.size(), 0));
}

TEST(WriteProfile, SaysWhatWentWrong)
{
    EXPECT_EQ(write_profile("/nonexistent/profile", {}), "No such file or directory");
    EXPECT_NE(write_profile("/dev/full", {}), "");
}

} // namespace

} // namespace tarn
