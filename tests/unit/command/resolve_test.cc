// SPDX-License-Identifier: MIT

#include "tracer/command/resolve.h"

#include <filesystem>
#include <fstream>
#include <link.h>
#include <sstream>
#include <unistd.h>

#include <gtest/gtest.h>

/// A name to which one of the suppressions applies that are built in.
extern "C" [[gnu::noinline]] int allocate_dtv_of_resolve_test(int number)
{
    return number + 1;
}

extern "C" [[gnu::noinline]] int resolve_test_leak(int number)
{
    return number + 2;
}

extern "C" {
std::uint64_t resolve_test_data[3] = {1, 2, 3};
}

namespace tarn {

namespace {

namespace fs = std::filesystem;

using Function = int (*)(int);

std::string in_file(std::uintptr_t address)
{
    std::uintptr_t bias = 0;
    ::dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* context) {
            *static_cast<std::uintptr_t*>(context) = info->dlpi_addr;
            return 1; // the first is the program
        },
        &bias);
    std::ostringstream text;
    text << std::hex << address - bias;
    return text.str();
}

std::string in_file(Function function)
{
    return in_file(reinterpret_cast<std::uintptr_t>(function));
}

const std::string kSelf = "M /proc/self/exe\t\n";

std::string answers_to(const std::string& questions, const std::string& suppressions = {})
{
    std::istringstream in(questions);
    std::ostringstream out;
    answer(in, out, suppressions);
    return out.str();
}

std::string symbolized(const std::string& report)
{
    std::istringstream in(report);
    std::ostringstream out;
    symbolize(in, out);
    return out.str();
}

/// A file that goes with the test.
class TemporaryFile {
public:
    explicit TemporaryFile(const std::string& text) { std::ofstream(path_) << text; }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() { fs::remove(path_); }
    const std::string& path() const { return path_; }

private:
    std::string path_ = fs::temp_directory_path() / ("resolve_test." + std::to_string(::getpid()));
};

TEST(Answers, NameTheFunctionsOfAnAddress)
{
    const std::string text = answers_to(kSelf + "A 0 " + in_file(resolve_test_leak) + "\n");
    EXPECT_TRUE(text.starts_with("F\tresolve_test_leak\t")) << text;
    EXPECT_NE(text.find("resolve_test.cc\t"), std::string::npos) << text;
    EXPECT_TRUE(text.ends_with("\n.\n")) << text;
}

TEST(Answers, KnowFilesWithALineBreakInTheirPath)
{
    const fs::path link =
        fs::temp_directory_path() / ("resolve\n%0at\x1bst" + std::to_string(::getpid()));
    fs::create_symlink("/proc/self/exe", link);
    std::string quoted = link.string();
    quoted.replace(quoted.find('%'), 1, "%25");
    quoted.replace(quoted.find('\n'), 1, "%0a");
    quoted.replace(quoted.find('\x1b'), 1, "%1B");
    const std::string text =
        answers_to("M " + quoted + "\t\nA 0 " + in_file(resolve_test_leak) + "\n");
    fs::remove(link);
    EXPECT_TRUE(text.starts_with("F\tresolve_test_leak\t")) << text;
}

TEST(Answers, NameTheVariableOfAnAddress)
{
    const std::string text = answers_to(
        kSelf + "D 0 " + in_file(reinterpret_cast<std::uintptr_t>(&resolve_test_data[1])) +
        "\nD 0 1\nD 7 1\n");
    EXPECT_EQ(text, "D\tresolve_test_data\t8\n") << "nothing of other addresses";
}

TEST(Answers, EndWhereNothingIsKnown)
{
    EXPECT_EQ(answers_to("M /nonexistent\t\nA 0 12\nA 7 12\n"), ".\n.\n");
}

TEST(Answers, SayWhichStacksAreSuppressed)
{
    const std::string questions = kSelf + "A 0 " + in_file(resolve_test_leak) + "\nA 0 " +
                                  in_file(allocate_dtv_of_resolve_test) + "\n";
    const auto end_of = [&](const std::string& stack, const std::string& file = {}) {
        const std::string text = answers_to(questions + stack, file);
        return text.substr(text.rfind(".\n") + 2);
    };
    EXPECT_EQ(end_of("L 0\n"), "S\t0\t\n");
    EXPECT_EQ(end_of("L 1 0\n"), "S\tf\tloader: thread-local storage of libraries\n");
    EXPECT_EQ(end_of("L 0 1\n"), "S\t0\t\n");
    EXPECT_EQ(end_of("L \n"), "S\t0\t\n");
    EXPECT_EQ(end_of("L 99\n"), "S\t0\t\n") << "no such address";
    EXPECT_EQ(end_of("N 0 1\nN 5 1\nN 0\nK 1\nK 9\nK 0\n"), "") << "nothing was asked";
    const TemporaryFile file("leak:resolve_test_leak\n");
    EXPECT_EQ(end_of("L 0\nL 1\n", file.path()),
              "S\tf\tleak:resolve_test_leak\nS\tf\tloader: thread-local storage of libraries\n");
}

TEST(Answers, KnowTheSuppressionsOfTheProgram)
{
    const std::string questions = kSelf + "A 0 " + in_file(resolve_test_leak) + "\nL 0\nL 0\n";
    const auto end_of = [&](const std::string& lines) {
        const std::string text = answers_to(lines + questions);
        return text.substr(text.rfind(".\n") + 2);
    };
    EXPECT_EQ(end_of("U # mine\nU \nU leak:resolve_test_leak\n"),
              "S\tf\tleak:resolve_test_leak\nS\tf\tleak:resolve_test_leak\n");
    EXPECT_EQ(end_of("U \nU race:y\n"), "E\t__lsan_default_suppressions(): line 2: neither "
                                        "leak:PATTERN nor { : race:y\nS\t0\t\nS\t0\t\n");
}

TEST(Answers, BeginWithWhatIsWrongWithTheSuppressions)
{
    const TemporaryFile file("leak:x\nrace:y\n");
    EXPECT_EQ(answers_to("", file.path()),
              "E\tsuppressions=" + file.path() + ": line 2: neither leak:PATTERN nor { : race:y\n");
    EXPECT_EQ(answers_to("", "/nonexistent"), "E\tsuppressions=/nonexistent: cannot be read\n");
}

TEST(Answers, TellOfTheProfile)
{
    const TemporaryFile file("");
    EXPECT_EQ(
        answers_to("M /x\t\t1000\t2000\t0\nA 0 10\nN 0 0\nK 1\nT 1 2 3 4 5 6 7 8 9 10 11 12\nP " +
                   file.path() + "\n"),
        ".\nP\tprofile in " + file.path() + ", for pprof, speedscope and the like\n");
    EXPECT_GT(fs::file_size(file.path()), 20U);
    EXPECT_EQ(answers_to("P /nonexistent/x\n"),
              "E\tno profile: /nonexistent/x: No such file or directory\n");
}

TEST(Answers, DoNotMindQuestionsThatAreNone)
{
    EXPECT_EQ(answers_to("\nX what\nT 1 2\nA\n"), "");
}

TEST(Symbolize, LeavesOtherLinesAsTheyAre)
{
    const std::string text = "==1== LeakSanitizer\n\n  12 bytes in 1 (one) block\n"
                             "    #0 0x12 in main a.c:3\n    #0 0x12 (/nonexistent+0x12)\n";
    EXPECT_EQ(symbolized(text), text);
}

TEST(Symbolize, PutsNamesIn)
{
    const std::string place = "(/proc/self/exe+0x" + in_file(resolve_test_leak) + ")";
    const std::string text = symbolized("    #3 0x7f12 " + place + "\nend\n");
    EXPECT_TRUE(text.starts_with("    #3 0x7f12 in resolve_test_leak ")) << text;
    EXPECT_NE(text.find("resolve_test.cc:"), std::string::npos) << text;
    EXPECT_TRUE(text.ends_with("\nend\n")) << text;
    const std::string other = "    #3 0x7f12 " + place + " (BuildId: 00112233)\n";
    EXPECT_EQ(symbolized(other), other) << "of another build";
}

} // namespace

} // namespace tarn
