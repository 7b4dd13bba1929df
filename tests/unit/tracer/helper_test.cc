// SPDX-License-Identifier: MIT

#include "tracer/helper.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace tarn {

namespace {

namespace fs = std::filesystem;

volatile std::sig_atomic_t child_signals = 0;
volatile ::pid_t told_process = 0;

class HelperTest : public testing::Test {
protected:
    void SetUp() override
    {
        child_signals = 0;
        before_ = std::signal(SIGCHLD, [](int) {
            child_signals = child_signals + 1;
            told_process = ::getpid();
        });
    }
    void TearDown() override
    {
        // What belongs to the program is none of its children.
        EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG | __WALL), -1);
        EXPECT_EQ(errno, ECHILD);
        EXPECT_EQ(child_signals, 0) << "told process " << told_process << ", we are " << ::getpid();
        std::signal(SIGCHLD, before_);
        fs::remove(path_);
    }

    /// A helper that does what the text of a shell script says.
    void use_script(const std::string& text)
    {
        std::ofstream(path_) << "#!/bin/sh\n" << text;
        fs::permissions(path_, fs::perms::owner_all);
        ASSERT_TRUE(find_helper(path_));
        EXPECT_EQ(helper_path(), path_);
    }

    static std::string run(const std::string& input = {}, const char* argument = nullptr,
                           const char* command = "command")
    {
        MappedArray<char> output;
        EXPECT_TRUE(run_helper(command, argument, input, output));
        return {output.all().begin(), output.all().end()};
    }

    const std::string& path() const { return path_; }

private:
    std::string path_ = fs::temp_directory_path() / ("helper_test." + std::to_string(::getpid()));
    sighandler_t before_ = SIG_DFL;
};

TEST_F(HelperTest, ReadsTheInputAndGivesTheOutput)
{
    use_script("tr a-z A-Z\n");
    EXPECT_EQ(run("some lines\nof text\n"), "SOME LINES\nOF TEXT\n");
    EXPECT_EQ(run(""), "");
}

TEST_F(HelperTest, IsGivenTheCommandAndAnArgument)
{
    use_script("echo \"$# $1 $2\"\n");
    EXPECT_EQ(run("", nullptr, "resolve"), "1 resolve \n");
    EXPECT_EQ(run("", "of two words", "resolve"), "2 resolve of two words\n");
}

TEST_F(HelperTest, MaySayMoreThanAPipeHolds)
{
    use_script("cat\n");
    std::string text;
    while (text.size() < 1000000)
        text += std::to_string(text.size()) + "\n";
    EXPECT_TRUE(run(text) == text);
}

TEST_F(HelperTest, AddsToTheOutput)
{
    use_script("echo more\n");
    MappedArray<char> output;
    output.push_back('x');
    EXPECT_TRUE(run_helper("c", nullptr, {}, output));
    EXPECT_EQ(std::string(output.all().begin(), output.all().end()), "xmore\n");
}

TEST_F(HelperTest, InheritsNeitherEnvironmentNorDescriptors)
{
    constexpr int kFile = 77; // none that the script opens itself
    ASSERT_EQ(::dup2(STDERR_FILENO, kFile), kFile);
    ::setenv("LD_PRELOAD", "/nonexistent", 1);
    ::setenv("DEBUGINFOD_URLS", "x", 1);
    use_script("env | grep -E 'LD_PRELOAD|DEBUGINFOD'\nls /proc/self/fd | grep 77\necho end");
    const std::string found = run();
    ::unsetenv("LD_PRELOAD");
    ::unsetenv("DEBUGINFOD_URLS");
    ::close(kFile);
    EXPECT_EQ(found, "end\n");
}

TEST_F(HelperTest, IsNotFoundWhereNoneIs)
{
    use_script("echo no");
    EXPECT_FALSE(find_helper("/nonexistent/helper"));
    EXPECT_EQ(helper_path(), "");
    MappedArray<char> output;
    EXPECT_FALSE(run_helper("c", nullptr, {}, output)) << "nor is the one before";
    EXPECT_EQ(output.size(), 0U);
    std::ofstream(path()) << "no program";
    fs::permissions(path(), fs::perms::owner_read);
    EXPECT_FALSE(find_helper(path())) << "cannot be executed";
    EXPECT_FALSE(find_helper(std::string(5000, 'x')));
}

/// Killed while it still sends: more than a connection holds, to one that does not read yet.
TEST_F(HelperTest, EndsWhenTheProgramIsKilled)
{
    const std::string started = path() + ".started";
    const std::string killed = path() + ".killed";
    const std::string ended = path() + ".ended";
    use_script("echo > " + started + "; while [ ! -e " + killed +
               " ]; do sleep 0.01; done; cat > /dev/null; echo > " + ended + "\n");
    const auto await = [](const std::string& file) {
        for (int i = 0; i < 6000 && !fs::exists(file); ++i)
            ::usleep(10'000);
        return fs::exists(file);
    };
    const pid_t program = ::fork();
    if (program == 0) {
        run(std::string(10'000'000, 'x'));
        ::_exit(0);
    }
    EXPECT_TRUE(await(started));
    ::kill(program, SIGKILL);
    ::waitpid(program, nullptr, 0);
    child_signals = 0; // that was the test's own
    std::ofstream(killed) << "yes";
    EXPECT_TRUE(await(ended));
    for (const std::string& file : {started, killed, ended})
        fs::remove(file);
}

TEST_F(HelperTest, LeavesNoDescriptorsOpen)
{
    use_script("cat\n");
    const int before = ::dup(0);
    ::close(before);
    for (int i = 0; i < 20; ++i)
        run("text");
    const int after = ::dup(0);
    ::close(after);
    EXPECT_EQ(after, before);
}

TEST_F(HelperTest, HasItsInputAlsoWhenTheProgramHasClosedItsOwn)
{
    use_script("cat\n");
    const int kept = ::dup(STDIN_FILENO);
    ::close(STDIN_FILENO);
    const std::string found = run("text");
    ::dup2(kept, STDIN_FILENO);
    ::close(kept);
    EXPECT_EQ(found, "text");
}

} // namespace

} // namespace tarn
