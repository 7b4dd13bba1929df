// SPDX-License-Identifier: MIT

#include "tracer/command/folded.h"

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tracer/command/pprof.h"

namespace tarn {

namespace {

namespace fs = std::filesystem;

SourceFrame frame(const char* function)
{
    SourceFrame made;
    made.function = function;
    return made;
}

/// What a function throws; empty: nothing.
template <class Function> std::string problem_of(Function function)
{
    try {
        function();
    } catch (const std::runtime_error& problem) {
        return problem.what();
    }
    return {};
}

std::string folded(std::string_view data, const std::string& value = "")
{
    std::ostringstream out;
    write_folded(data, {.value = value}, out);
    return out.str();
}

class FoldedTest : public testing::Test {
protected:
    void TearDown() override { fs::remove(path_); }

    /// main calls f, in which g; f calls what has no name.
    std::string profile()
    {
        const ProfileContents contents{
            .files = {{.path = "/bin/a b",
                       .build_id = "",
                       .start = 0x10000,
                       .end = 0x20000,
                       .bias = 0x10000}},
            .calls = {{.file = 0, .address = 1, .frames = {frame("main")}},
                      {.file = 0, .address = 2, .frames = {frame("g(int)"), frame("f;\n")}},
                      {.file = 0, .address = 0x34, .frames = {}},
                      {.file = 1, .address = 0x77, .frames = {frame("")}}},
            .nodes = {{.parent = 0, .call = 0},
                      {.parent = 1, .call = 1},
                      {.parent = 2, .call = 2},
                      {.parent = 3, .call = 3},
                      {.parent = 1, .call = 1}},
            .stacks = {{.node = 2, .values = {1, 10, 0, 0, 0, 7}},
                       {.node = 4, .values = {2, 20, 0, 0, 0, 8}},
                       {.node = 1, .values = {3, 30, -5, 0, 0, 0}},
                       {.node = 5, .values = {4, 40, 5, 0, 0, 9}}}};
        EXPECT_EQ(write_profile(path_, contents), "");
        return read_profile(path_);
    }

    /// main, once with a tag and once without.
    std::string tagged_profile()
    {
        const ProfileContents contents{
            .files = {},
            .calls = {{.file = 0, .address = 1, .frames = {frame("main")}}},
            .nodes = {{.parent = 0, .call = 0, .tag = "a;b::c"},
                      {.parent = 1, .call = 0},
                      {.parent = 0, .call = 0}},
            .stacks = {{.node = 2, .values = {1, 10}}, {.node = 3, .values = {2, 20}}},
            .comments = {"first", "second\nline", "first"}};
        EXPECT_EQ(write_profile(path_, contents), "");
        return read_profile(path_);
    }

    std::string file() const
    {
        std::ifstream in(path_);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    void replace_file(const std::string& contents) const { std::ofstream(path_) << contents; }

    const std::string& path() const { return path_; }

private:
    std::string path_ = fs::temp_directory_path() / ("folded_test." + std::to_string(::getpid()));
};

TEST_F(FoldedTest, CommentsAreALineEach)
{
    std::ostringstream out;
    write_comments(tagged_profile(), out);
    write_comments(profile(), out);
    EXPECT_EQ(out.str(), "first\nsecond line\nfirst\n");
}

TEST_F(FoldedTest, TagsAreTheOutermostCallsIfWanted)
{
    const std::string data = tagged_profile();
    EXPECT_EQ(folded(data, "alloc_space"), "main 30\n");
    std::ostringstream out;
    write_folded(data, {.value = "alloc_space", .has_tags = true}, out);
    EXPECT_EQ(out.str(), "main 20\ntag:a:b::c;main 10\n");
}

TEST_F(FoldedTest, HasTheOutermostFirstAndEqualStacksOnce)
{
    EXPECT_EQ(folded(profile()), "main;f: ;g(int) 16\n"
                                 "main;f: ;g(int);[a b+0x34];[0x77] 8\n");
}

TEST_F(FoldedTest, HasTheValueThatIsAskedFor)
{
    EXPECT_EQ(folded(profile(), "alloc_objects"), "main 3\n"
                                                  "main;f: ;g(int) 5\n"
                                                  "main;f: ;g(int);[a b+0x34];[0x77] 2\n");
    EXPECT_EQ(folded(profile(), "inuse_objects"), "main;f: ;g(int) 5\n") << "no negative ones";
    EXPECT_EQ(folded(profile(), "peak_objects"), "");
}

TEST_F(FoldedTest, SaysWhichValuesThereAre)
{
    const std::string data = profile();
    EXPECT_EQ(problem_of([&] { folded(data, "space"); }),
              "has no value 'space', but alloc_objects, alloc_space, inuse_objects, inuse_space, "
              "peak_objects, peak_space, temporary_objects, freed_elsewhere_objects, reallocs, "
              "realloc_copied, inuse_rounding, peak_rounding");
}

TEST_F(FoldedTest, ReadsAFileThatIsNotPacked)
{
    const std::string data = profile();
    replace_file(data);
    EXPECT_EQ(read_profile(path()), data);
}

TEST_F(FoldedTest, SaysWhatCannotBeRead)
{
    EXPECT_EQ(problem_of([] { read_profile("/nonexistent"); }),
              "/nonexistent: No such file or directory");
    EXPECT_EQ(problem_of([] { read_profile("/"); }), "/: damaged at about byte 0: Is a directory");
    EXPECT_EQ(problem_of([] { folded(""); }), "no profile for pprof");
    EXPECT_EQ(problem_of([] { folded("#!/bin/sh\necho text that is none"); }),
              "no profile for pprof");
    EXPECT_EQ(problem_of([] { folded("root:x:0:0:root:/root:/bin/bash\n"); }),
              "no profile for pprof");
    EXPECT_NE(problem_of([&] { folded(profile() + "text"); }).find("damaged at byte "),
              std::string::npos);
}

TEST_F(FoldedTest, SaysWhereAFileIsCutOff)
{
    const std::string data = profile();
    const std::string whole = file();
    for (std::size_t size = 1; size < whole.size(); ++size) {
        replace_file(whole.substr(0, size));
        const std::string problem = problem_of([&] { folded(read_profile(path())); });
        EXPECT_NE(problem, "") << size << " bytes";
        EXPECT_EQ(problem.find('\n'), std::string::npos) << problem;
    }
    // What ends between two parts is a profile, if it has what one must have.
    for (std::size_t size = 0; size < data.size(); ++size) {
        const std::string problem = problem_of([&] { folded(data.substr(0, size)); });
        if (problem.empty() || problem == "no profile for pprof") continue;
        EXPECT_NE(problem.find("damaged at byte "), std::string::npos) << problem;
        EXPECT_NE(problem.find(" of its " + std::to_string(size)), std::string::npos) << problem;
    }
}

TEST_F(FoldedTest, SurvivesAnyDamage)
{
    const std::string data = profile();
    const std::string whole = file();
    std::mt19937 random(4711); // NOLINT(cert-msc51-cpp): the same each time
    const auto garbled = [&](std::string text) {
        for (unsigned changes = 1 + random() % 4; changes > 0; --changes)
            text[random() % text.size()] = static_cast<char>(random());
        return text;
    };
    std::size_t refused = 0;
    for (int round = 0; round < 20000; ++round)
        refused += problem_of([&] { folded(garbled(data)); }).empty() ? 0 : 1;
    EXPECT_GT(refused, 1000U);
    for (int round = 0; round < 300; ++round) {
        replace_file(garbled(whole));
        problem_of([&] { folded(read_profile(path())); });
    }
}

} // namespace

} // namespace tarn
