// SPDX-License-Identifier: MIT

#include "tracer/command/perf_map.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tarn {

namespace {

PerfMap map_of(const std::string& text)
{
    std::istringstream in(text);
    PerfMap map;
    map.read(in);
    return map;
}

TEST(PerfMap, HasNamesFromTheFirstByteToTheLast)
{
    const PerfMap map = map_of("7f10 20 LazyCompile:~main server.js:1\n0x8000 0x10 other\n");
    EXPECT_EQ(map.name_at(0x7F0F), "");
    EXPECT_EQ(map.name_at(0x7F10), "LazyCompile:~main server.js:1");
    EXPECT_EQ(map.name_at(0x7F2F), "LazyCompile:~main server.js:1");
    EXPECT_EQ(map.name_at(0x7F30), "");
    EXPECT_EQ(map.name_at(0x8008), "other") << "some write 0x";
}

TEST(PerfMap, LeavesOutWhatIsNoLine)
{
    const PerfMap map = map_of("\nnothing\n10 0 empty\n20 10\n30 zz name\n-40 10 negative\n"
                               "ffffffffffffff00 1000 around\n50 10 a\tb\x1b[2J\n60 8 cut");
    for (const std::uint64_t address : {0x10, 0x20, 0x30, 0x40})
        EXPECT_EQ(map.name_at(address), "") << address;
    EXPECT_EQ(map.name_at(0xFFFFFFFFFFFFFF08), "");
    EXPECT_EQ(map.name_at(0x50), "a?b?[2J") << "it goes to a terminal, between tabs";
    EXPECT_EQ(map.name_at(0x60), "cut") << "which is being written";
}

RC_GTEST_PROP(PerfMapProperty, TheLastLineOfAnAddressCounts, ())
{
    struct Function {
        std::uint64_t start;
        std::uint64_t end;
        std::string name;
    };
    std::vector<Function> expected;
    std::ostringstream text;
    const auto count = *rc::gen::inRange(0, 30);
    for (int i = 0; i < count; ++i) {
        const auto start = *rc::gen::inRange<std::uint64_t>(0, 60);
        const auto end = start + *rc::gen::inRange<std::uint64_t>(1, 20);
        text << std::hex << start << " " << end - start << " " << i << "\n";
        // What it lies over has been given up as a whole.
        std::erase_if(expected, [&](const Function& other) {
            return other.start < end && start < other.end;
        });
        std::ostringstream name;
        name << std::hex << i;
        expected.push_back({start, end, name.str()});
    }
    const PerfMap map = map_of(text.str());
    for (std::uint64_t at = 0; at < 90; ++at) {
        const auto found = std::ranges::find_if(
            expected, [at](const Function& f) { return f.start <= at && at < f.end; });
        RC_ASSERT(map.name_at(at) == (found != expected.end() ? found->name : ""));
    }
}

TEST(PerfMap, IsThatOfAProcessAndOurs)
{
    const std::string path = "/tmp/perf-" + std::to_string(::getpid()) + ".map";
    std::ofstream(path) << "1000 10 generated\n";
    PerfMap map;
    map.open(static_cast<std::uint64_t>(::getpid()));
    EXPECT_EQ(map.name_at(0x1000), "generated");

    std::filesystem::rename(path, path + ".elsewhere");
    std::filesystem::create_symlink(path + ".elsewhere", path);
    PerfMap linked;
    linked.open(static_cast<std::uint64_t>(::getpid()));
    EXPECT_EQ(linked.name_at(0x1000), "") << "where a link leads to is not for us to say";
    std::filesystem::remove(path);
    std::filesystem::remove(path + ".elsewhere");
    linked.open(static_cast<std::uint64_t>(::getpid()));
    EXPECT_EQ(linked.name_at(0x1000), "");
}

} // namespace

} // namespace tarn
