// SPDX-License-Identifier: MIT

#include "src/os/file.h"

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <span>
#include <sstream>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>

#include "src/base/print.h"

namespace tarn::os {

namespace {

class File : public testing::Test {
protected:
    void SetUp() override
    {
        std::string pattern = testing::TempDir() + "tarn_file_test_XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
        open_before_ = open_files();
        errno = 4711;
    }
    void TearDown() override
    {
        EXPECT_EQ(open_files(), open_before_) << "a descriptor stayed open";
        std::filesystem::remove_all(folder_);
    }

    std::string path(const std::string& name) const { return folder_ / name; }

    static std::string contents(const std::string& path)
    {
        const std::ifstream file(path);
        std::ostringstream text;
        text << file.rdbuf();
        return text.str();
    }

private:
    static std::size_t open_files()
    {
        const std::filesystem::directory_iterator entries("/proc/self/fd");
        return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
    }

    std::filesystem::path folder_;
    std::size_t open_before_ = 0;
};

TEST_F(File, FolderIsWhereTheProcessIs)
{
    const std::filesystem::path before = std::filesystem::current_path();
    std::filesystem::create_directory(path("deep"));
    const std::filesystem::path here = std::filesystem::canonical(path("deep"));
    std::filesystem::current_path(here);
    std::array<char, 4096> room{};
    EXPECT_EQ(current_directory(room), here.string() + "/");
    const std::size_t needed = here.string().size() + 1;
    EXPECT_EQ(current_directory(std::span(room.data(), needed)), here.string() + "/");
    EXPECT_EQ(current_directory(std::span(room.data(), needed - 1)), "");
    std::filesystem::remove(here);
    errno = 4711;
    EXPECT_EQ(current_directory(room), "") << "it is gone";
    EXPECT_EQ(errno, 4711);
    std::filesystem::current_path("/");
    EXPECT_EQ(current_directory(room), "/");
    std::filesystem::current_path(before);
}

TEST_F(File, IsReadAsFarAsThereIsRoom)
{
    std::ofstream(path("ten")) << "0123456789";
    std::string buffer(20, '#');
    errno = 4711;
    EXPECT_EQ(read_file(path("ten").c_str(), buffer.data(), buffer.size()), 10U);
    EXPECT_EQ(buffer, "0123456789##########");
    EXPECT_EQ(read_file(path("ten").c_str(), buffer.data(), 4), 4U);
    EXPECT_EQ(errno, 4711);
    SmallFile<7> small;
    EXPECT_EQ(small.read(path("ten").c_str()), "0123456");
}

TEST_F(File, ReadsAsEmptyWhenItCannotBeRead)
{
    SmallFile<16> file;
    EXPECT_EQ(file.read(path("missing").c_str()), "");
    EXPECT_EQ(file.read(path("").c_str()), ""); // a folder
    EXPECT_EQ(errno, 4711);
}

TEST_F(File, IsReadWholeFromTheKernel)
{
    SmallFile<65536> file;
    EXPECT_NE(file.read("/proc/self/maps").find("file_test"), std::string_view::npos);
}

TEST_F(File, IsAppendedToOrReplaced)
{
    Output output;
    ASSERT_TRUE(output.open(path("log").c_str(), Output::Mode::append));
    output.write("one\n");
    output.close();
    ASSERT_TRUE(output.open(path("log").c_str(), Output::Mode::append));
    output.write("two\n");
    output.close();
    EXPECT_EQ(errno, 4711);
    EXPECT_EQ(contents(path("log")), "one\ntwo\n");
    ASSERT_TRUE(output.open(path("log").c_str(), Output::Mode::replace));
    output.write("three\n");
    output.close();
    EXPECT_EQ(contents(path("log")), "three\n");
}

TEST_F(File, ThatCannotBeWrittenIsNamedOnStandardError)
{
    Output output;
    const std::string name = path("no/such/folder");
    testing::internal::CaptureStderr();
    errno = 4711;
    EXPECT_FALSE(output.open(name.c_str(), Output::Mode::append));
    EXPECT_EQ(errno, 4711);
    output.write("the report itself\n");
    output.close();
    EXPECT_EQ(testing::internal::GetCapturedStderr(),
              "tarn: cannot write '" + name + "': No such file or directory\nthe report itself\n");
}

TEST_F(File, OutputGoesToStandardErrorByDefault)
{
    testing::internal::CaptureStderr();
    Output output;
    output.write("a");
    output.write("b");
    output.close(); // must not close standard error
    write_to_stderr("c");
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "abc");
}

TEST_F(File, LosesWhatNobodyReadsWithoutHarm)
{
    EXPECT_EXIT(
        {
            ::close(STDERR_FILENO);
            errno = 4711;
            write_to_stderr("nobody hears this");
            ::_exit(errno == 4711 ? 0 : 1);
        },
        testing::ExitedWithCode(0), "");
}

} // namespace

} // namespace tarn::os
