// SPDX-License-Identifier: MIT

#include "tracer/command/suppressions.h"

#include <gtest/gtest.h>

namespace tarn {

namespace {

NamedCall call(const char* function, const char* linkage = "", const char* file = "",
               const char* module = "/usr/bin/program")
{
    SourceFrame frame;
    frame.function = function;
    frame.linkage = linkage;
    frame.file = file;
    return {.frames = {frame}, .module = module};
}

/// main, parse(char const*), and the function that called malloc; innermost first.
const std::vector<NamedCall> kParser{
    call("copy_token", "", "/src/token.c", "/usr/lib/libparse.so.2"),
    call("parse(char const*)", "_Z5parsePKc", "/src/parse.cc"),
    call("main", "", "/src/main.cc"),
};

std::vector<const NamedCall*> stack_of(const std::vector<NamedCall>& calls)
{
    std::vector<const NamedCall*> stack;
    for (const NamedCall& one : calls)
        stack.push_back(&one);
    return stack;
}

std::string match(const std::string& text, const std::vector<NamedCall>& calls = kParser)
{
    std::vector<std::string> problems;
    Suppressions suppressions;
    suppressions.add(text, problems);
    EXPECT_EQ(problems, std::vector<std::string>{}) << text;
    return suppressions.judge(stack_of(calls)).name;
}

/// A suppression of Valgrind's with these lines for its stack.
std::string valgrind(const std::string& lines, const std::string& kind = "Memcheck:Leak")
{
    return "{\n   known\n   " + kind + "\n" + lines + "\n}\n";
}

bool applies(const std::string& lines, const std::vector<NamedCall>& calls = kParser)
{
    return match(valgrind(lines), calls) == "known";
}

TEST(Patterns, TakeAStarForAnyTextAndAQuestionMarkForOneCharacter)
{
    EXPECT_TRUE(matches("", ""));
    EXPECT_TRUE(matches("*", ""));
    EXPECT_TRUE(matches("**", "abc"));
    EXPECT_TRUE(matches("a*c", "ac"));
    EXPECT_TRUE(matches("a*c", "abcabc"));
    EXPECT_TRUE(matches("*b*", "abc"));
    EXPECT_TRUE(matches("a?c", "abc"));
    EXPECT_FALSE(matches("a?c", "ac"));
    EXPECT_FALSE(matches("?", ""));
    EXPECT_FALSE(matches("", "a"));
    EXPECT_FALSE(matches("abc", "abcd"));
    EXPECT_FALSE(matches("abcd", "abc"));
    EXPECT_FALSE(matches("a*c", "abd"));
    EXPECT_TRUE(matches("*aab", "aaaaaab")) << "the last star takes more";
}

TEST(Patterns, WithManyStarsTakeNoLongerThanTheTextTimesThePattern)
{
    std::string pattern;
    for (int i = 0; i < 200; ++i)
        pattern += "*a";
    EXPECT_FALSE(matches(pattern + "b", std::string(5000, 'a')));
}

TEST(OfLeakSanitizer, AreLookedForInFunctionsFilesAndModules)
{
    EXPECT_EQ(match("leak:copy_tok\n"), "leak:copy_tok");
    EXPECT_EQ(match("leak:libparse.so\n"), "leak:libparse.so");
    EXPECT_EQ(match("leak:/src/parse.cc\n"), "leak:/src/parse.cc");
    EXPECT_EQ(match("leak:main"), "leak:main") << "however far outside, and without a newline";
    EXPECT_EQ(match("leak:nobody\n"), "");
    EXPECT_EQ(match("leak:parse(*const?)\n"), "leak:parse(*const?)");
}

TEST(OfLeakSanitizer, MayBeBoundToAnEnd)
{
    EXPECT_EQ(match("leak:^copy_token$\n"), "leak:^copy_token$");
    EXPECT_EQ(match("leak:^token\n"), "");
    EXPECT_EQ(match("leak:copy$\n"), "");
    EXPECT_EQ(match("leak:^copy\n"), "leak:^copy");
}

TEST(OfLeakSanitizer, AreNotFoundInWhatIsNotKnown)
{
    const std::vector<NamedCall> unknown{{.frames = {}, .module = ""}};
    EXPECT_EQ(match("leak:*\n", unknown), "");
}

TEST(OfValgrind, AreComparedFromInside)
{
    EXPECT_TRUE(applies("fun:copy_token"));
    EXPECT_TRUE(applies("fun:copy_token\nfun:parse*\nfun:main"));
    EXPECT_FALSE(applies("fun:main"));
    EXPECT_FALSE(applies("fun:copy_token\nfun:main")) << "a call is left out";
    EXPECT_FALSE(applies("fun:copy_token\nfun:parse*\nfun:main\nfun:start")) << "is longer";
}

TEST(OfValgrind, MayBeginWithTheAllocationFunction)
{
    for (const char* const name :
         {"malloc", "calloc", "posix_memalign", "aligned_alloc", "_Znwm", "_ZnamRKSt9nothrow_t",
          "operator new(unsigned long)", "*alloc", "mal*", "m?lloc", "_Zn*", "*new*", "*"}) {
        const std::string line = std::string("fun:") + name;
        EXPECT_TRUE(applies(line + "\nfun:copy_token")) << name;
        EXPECT_TRUE(applies(line + "\n...\nfun:main")) << name;
        EXPECT_TRUE(applies(line + "\n...")) << name;
        EXPECT_TRUE(applies(line)) << name;
        EXPECT_TRUE(applies("...\n" + line + "\nfun:copy_token")) << name;
        EXPECT_FALSE(applies(line + "\nfun:parse*")) << name << " is no call more";
    }
    EXPECT_TRUE(applies("fun:memalign\nfun:posix_memalign\nfun:copy_token"));
    EXPECT_FALSE(applies("fun:other\nfun:copy_token"));
    EXPECT_FALSE(applies("fun:free\n..."));
    EXPECT_EQ(match("leak:malloc\n"), "") << "LeakSanitizer's are of the callers";
}

TEST(OfValgrind, NameAFunctionEitherWay)
{
    EXPECT_TRUE(applies("fun:copy_token\nfun:_Z5parsePKc"));
    EXPECT_TRUE(applies("fun:copy_token\nfun:parse(char const?)"));
    EXPECT_FALSE(applies("fun:copy_token\nfun:parse"));
}

TEST(OfValgrind, SkipAnyNumberOfCalls)
{
    EXPECT_TRUE(applies("...\nfun:main"));
    EXPECT_TRUE(applies("fun:copy_token\n...\nfun:main"));
    EXPECT_TRUE(applies("...\nfun:copy_token")) << "none at all";
    EXPECT_TRUE(applies("fun:copy_token\n..."));
    EXPECT_FALSE(applies("...\nfun:nobody"));
    EXPECT_FALSE(applies("...\nfun:main\nfun:copy_token")) << "only outwards";
}

TEST(OfValgrind, NameAModule)
{
    EXPECT_TRUE(applies("obj:*/libparse.so*"));
    EXPECT_TRUE(applies("obj:*/libparse.so*\nobj:/usr/bin/program"));
    EXPECT_FALSE(applies("obj:libparse.so*"));
    std::vector<NamedCall> unnamed = kParser;
    unnamed[0].frames.clear();
    EXPECT_TRUE(applies("obj:*/libparse.so*\nfun:parse*", unnamed)) << "without symbols";
    EXPECT_FALSE(applies("fun:*\nfun:*", unnamed));
}

TEST(OfValgrind, NameASource)
{
    std::vector<NamedCall> calls = kParser;
    calls[0].frames[0].line = 20;
    EXPECT_TRUE(applies("src:token.c", calls)) << "without its directory, as Valgrind has it";
    EXPECT_TRUE(applies("src:token.c:20", calls));
    EXPECT_TRUE(applies("src:/src/token.c:20\nsrc:p*.cc\nfun:main", calls));
    EXPECT_FALSE(applies("src:token.c:2", calls));
    EXPECT_FALSE(applies("src:token.c:20x", calls));
    EXPECT_TRUE(applies("src:*:x", {call("f", "", "/src/a:x")})) << "no line, but a name";
    EXPECT_TRUE(applies("src:*:2x", {call("f", "", "/src/a:2x")}));
    EXPECT_FALSE(applies("src:parse.cc", calls));
    calls[0].frames[0].file.clear();
    EXPECT_FALSE(applies("src:*", calls)) << "there is none";
}

TEST(OfValgrind, TakeInlinedFunctionsForCalls)
{
    std::vector<NamedCall> calls = kParser;
    SourceFrame inlined;
    inlined.function = "inlined";
    calls[0].frames.insert(calls[0].frames.begin(), inlined);
    EXPECT_TRUE(applies("fun:inlined\nfun:copy_token\nfun:parse*", calls));
    EXPECT_FALSE(applies("fun:inlined\nfun:parse*", calls));
}

LeakKinds kinds(const std::string& text)
{
    std::vector<std::string> problems;
    Suppressions suppressions;
    suppressions.add(text, problems);
    EXPECT_EQ(problems, std::vector<std::string>{}) << text;
    return suppressions.judge(stack_of(kParser)).kinds;
}

TEST(OfValgrind, ApplyToTheKindsThatTheyName)
{
    const auto kinds_with = [](const std::string& line) {
        return kinds(valgrind(line + "\nfun:copy_token"));
    };
    EXPECT_EQ(kinds_with("match-leak-kinds: definite"), kLeakDefinite);
    EXPECT_EQ(kinds_with("match-leak-kinds:indirect , possible"), kLeakIndirect | kLeakPossible);
    EXPECT_EQ(kinds_with("match-leak-kinds: reachable"), kLeakReachable);
    EXPECT_EQ(kinds_with("match-leak-kinds: all"), kAllLeaks);
    EXPECT_EQ(kinds_with("match-leak-kinds: none"), 0U);
    EXPECT_EQ(kinds_with(""), kAllLeaks) << "as Valgrind has it";
    EXPECT_EQ(kinds("leak:copy_token\n"), kAllLeaks);
    EXPECT_EQ(kinds(valgrind("match-leak-kinds: definite\nfun:other")), 0U);
    EXPECT_EQ(kinds(valgrind("match-leak-kinds: definite\nfun:copy_token") +
                    valgrind("match-leak-kinds: possible\nfun:*\nfun:copy*")),
              kLeakDefinite | kLeakPossible)
        << "those of all that apply";
}

TEST(OfValgrind, CountForLeaksOnly)
{
    EXPECT_EQ(match(valgrind("fun:copy_token", "Memcheck:Cond")), "");
    EXPECT_EQ(match(valgrind("fun:copy_token", "Memcheck:Param\nwrite(buf)")), "");
    EXPECT_EQ(match(valgrind("fun:copy_token", "Memcheck,Other:Leak")), "known");
}

TEST(SuppressionsTest, OfBothKindsMayStandInOneText)
{
    const std::string text = "# a comment\r\n\n  leak:nobody\n" + valgrind("  # another\n fun:x") +
                             "leak: copy_token \nleak:main\n";
    EXPECT_EQ(match(text), "leak:copy_token") << "the first that applies";
}

TEST(SuppressionsTest, ApplyToNoStackOfNoCalls)
{
    EXPECT_EQ(match("leak:*\n" + valgrind("fun:*"), {}), "");
}

struct Bad {
    const char* text;
    std::vector<std::string> problems;
};

TEST(SuppressionsTest, TellWhichLinesAreNotUnderstood)
{
    const std::vector<Bad> all{
        {.text = "\nrace:x\n", .problems = {"line 2: neither leak:PATTERN nor { : race:x"}},
        {.text = "{\n}\n", .problems = {"line 2: a suppression without a name"}},
        {.text = "{", .problems = {"line 1: a suppression without a name"}},
        {.text = "{\nname\nMemcheck:Leak\nfun:main\n",
         .problems = {"line 4: a suppression that is not closed: name"}},
        {.text = "{\nname\n", .problems = {"line 2: a suppression that is not closed: name"}},
        {.text = "{\nname\nMemcheck:Leak\nfunc:main\n}\n",
         .problems = {"line 4: not understood: func:main (leaves out: name)"}},
        {.text = "{\nname\nMemcheck:Leak\nfun:main\nbogus\nothers\n}\n",
         .problems = {"line 5: not understood: bogus (leaves out: name)"}},
        {.text = "{\nname\nMemcheck:Leak\nmatch-leak-kinds: definite, what\n}\n",
         .problems = {"line 4: not understood: match-leak-kinds: definite, what "
                      "(leaves out: name)"}},
        {.text = "{\nname\nMemcheck:Leak\nmatch-leak-kinds:\n}\n",
         .problems = {"line 4: not understood: match-leak-kinds: (leaves out: name)"}},
        {.text = "a\nb\n",
         .problems = {"line 1: neither leak:PATTERN nor { : a",
                      "line 2: neither leak:PATTERN nor { : b"}},
    };
    for (const Bad& bad : all) {
        std::vector<std::string> problems;
        Suppressions suppressions;
        suppressions.add(bad.text, problems);
        EXPECT_EQ(problems, bad.problems) << bad.text;
        EXPECT_EQ(suppressions.size(), 0U) << bad.text;
    }
}

TEST(SuppressionsTest, CountBesideThoseThatAreNotUnderstood)
{
    std::vector<std::string> problems;
    Suppressions suppressions;
    suppressions.add("race:x\nleak:main\n{\n}\n" + valgrind("fun:main"), problems);
    EXPECT_EQ(problems.size(), 2U);
    EXPECT_EQ(suppressions.size(), 2U);
    EXPECT_EQ(suppressions.judge(stack_of(kParser)).name, "leak:main");
}

} // namespace

} // namespace tarn
