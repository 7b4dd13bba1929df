// SPDX-License-Identifier: MIT

#include "src/base/options.h"

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace tarn {

namespace {

std::string complaints;

void remember(std::string_view text)
{
    complaints += text;
}

/// The options that these entries of an environment give; what was complained of is in
/// `complaints`.
Options options_of(std::vector<std::string_view> environment)
{
    complaints.clear();
    Options options;
    read_options(options, environment, remember);
    return options;
}

std::string value_of(const Options& options, std::string_view key)
{
    const auto specs = option_specs();
    const auto spec = std::ranges::find(specs, key, &OptionSpec::name);
    FixedText<600> text;
    if (spec == specs.end()) return "there is no such option";
    print_option_value(text, options, *spec);
    return std::string(text.view());
}

/// Expects that `entry` is refused with exactly `complaint`, and has no effect.
void expect_refused(std::string_view entry, std::string_view complaint)
{
    const Options options = options_of({entry});
    EXPECT_EQ(complaints, complaint);
    for (const OptionSpec& spec : option_specs())
        EXPECT_EQ(value_of(options, spec.name), value_of(Options{}, spec.name)) << entry;
}

std::size_t limit_of(const std::string& value)
{
    const std::string entry = "TARN_LIMIT=" + value;
    return options_of({entry}).limit;
}

std::size_t purge_delay_of(const std::string& value)
{
    const std::string entry = "TARN_PURGE_DELAY=" + value;
    return options_of({entry}).purge_delay;
}

TEST(Options, HaveTheDefaultsThatTheTableNames)
{
    const Options defaults;
    for (const OptionSpec& spec : option_specs()) {
        if (spec.default_value.empty()) {
            EXPECT_EQ(value_of(defaults, spec.name), "") << spec.name;
            continue;
        }
        Options set;
        EXPECT_TRUE(set_option(set, spec, spec.default_value)) << spec.name;
        EXPECT_EQ(value_of(set, spec.name), value_of(defaults, spec.name)) << spec.name;
    }
}

TEST(Options, AcceptEveryWordThatTheTableNames)
{
    for (const OptionSpec& spec : option_specs()) {
        if (spec.values.find('|') == std::string_view::npos || std::isupper(spec.values[0]))
            continue;
        std::string words(spec.values);
        std::replace(words.begin(), words.end(), '|', '\n');
        std::size_t start = 0;
        while (start < words.size()) {
            const std::size_t end = std::min(words.find('\n', start), words.size());
            const std::string word = words.substr(start, end - start);
            start = end + 1;
            if (std::ranges::any_of(word, [](char c) { return std::isupper(c) != 0; })) continue;
            Options options;
            EXPECT_TRUE(set_option(options, spec, word)) << spec.name << "=" << word;
            EXPECT_EQ(value_of(options, spec.name), word);
        }
    }
}

TEST(Options, ReadAListSeparatedByCommasColonsOrBlanks)
{
    const Options options = options_of({"TARN=stats,verbose:limit=64m fallback=mmap"});
    EXPECT_EQ(complaints, "");
    EXPECT_TRUE(options.stats);
    EXPECT_TRUE(options.verbose);
    EXPECT_EQ(options.limit, 64U << 20);
    EXPECT_EQ(options.fallback, FallbackKind::mmap);
}

TEST(Options, IgnoreEmptyItemsOfAList)
{
    const Options options = options_of({"TARN=,,stats,:"});
    EXPECT_EQ(complaints, "");
    EXPECT_TRUE(options.stats);
    options_of({"TARN="});
    EXPECT_EQ(complaints, "");
}

TEST(Options, ReadBooleansInEverySpelling)
{
    for (const std::string word : {"1", "on", "yes", "true", "ON", "True"}) {
        const std::string entry = "TARN_STATS=" + word;
        EXPECT_TRUE(options_of({entry}).stats) << word;
        EXPECT_EQ(complaints, "");
    }
    for (const std::string word : {"0", "off", "no", "false", "OFF", "False"}) {
        const std::string entry = "TARN=pools=" + word;
        EXPECT_FALSE(options_of({entry}).pools) << word;
        EXPECT_EQ(complaints, "");
    }
}

TEST(Options, IgnoreTheCaseOfKeysAndWords)
{
    EXPECT_EQ(options_of({"TARN=Thp=ALWAYS"}).thp, HugePageMode::always);
    EXPECT_EQ(options_of({"TARN_thp=Off"}).thp, HugePageMode::off);
    EXPECT_EQ(options_of({"TARN_DeepBind=KEEP"}).deepbind, DeepBind::keep);
    EXPECT_EQ(complaints, "");
}

TEST(Options, LetAVariableOfItsOwnWinOverTheListWhateverTheirOrder)
{
    EXPECT_EQ(options_of({"TARN=limit=1m", "TARN_LIMIT=2m"}).limit, 2U << 20);
    EXPECT_EQ(options_of({"TARN_LIMIT=2m", "TARN=limit=1m"}).limit, 2U << 20);
    EXPECT_EQ(options_of({"TARN=limit=1m,limit=3m"}).limit, 3U << 20);
    EXPECT_EQ(complaints, "");
}

TEST(Options, IgnoreOtherVariables)
{
    const Options options = options_of({"TARNISH=stats", "XTARN=stats", "TARN", "TARN_STATS", ""});
    EXPECT_EQ(complaints, "");
    EXPECT_FALSE(options.stats);
}

TEST(Options, ReadSizesWithBinaryUnits)
{
    EXPECT_EQ(limit_of("0"), 0U);
    EXPECT_EQ(limit_of("123"), 123U);
    EXPECT_EQ(limit_of("123b"), 123U);
    for (const std::string suffix : {"k", "K", "kb", "KiB"})
        EXPECT_EQ(limit_of("3" + suffix), 3U << 10) << suffix;
    EXPECT_EQ(limit_of("5m"), 5U << 20);
    EXPECT_EQ(limit_of("7GB"), 7ULL << 30);
    EXPECT_EQ(limit_of("2t"), 2ULL << 40);
    EXPECT_EQ(limit_of("18446744073709551615"), std::numeric_limits<std::size_t>::max());
    EXPECT_EQ(limit_of("16777215t"), 16777215ULL << 40);
    EXPECT_EQ(complaints, "");
}

TEST(Options, ReadTimesWithTheirUnits)
{
    EXPECT_EQ(purge_delay_of("0"), 0U);
    EXPECT_EQ(purge_delay_of("250"), 250U);
    EXPECT_EQ(purge_delay_of("250ms"), 250U);
    EXPECT_EQ(purge_delay_of("3s"), 3000U);
    EXPECT_EQ(purge_delay_of("2M"), 120000U);
    EXPECT_EQ(complaints, "");
}

TEST(Options, ReadPeriodsByTheirUnit)
{
    const auto period_of = [](const std::string& value) {
        const std::string entry = "TARN=interval=64k,interval=" + value;
        const Options options = options_of({entry});
        return std::pair(options.interval_milliseconds, options.interval_bytes);
    };
    using Period = std::pair<std::size_t, std::size_t>;
    EXPECT_EQ(period_of("0"), Period(0, 0));
    EXPECT_EQ(period_of("60s"), Period(60000, 0));
    EXPECT_EQ(period_of("50MS"), Period(50, 0));
    EXPECT_EQ(period_of("1g"), Period(0, 1U << 30));
    EXPECT_EQ(period_of("3mib"), Period(0, 3U << 20));
    EXPECT_EQ(complaints, "");
    for (const std::string value :
         {"", "5", "5m", "5M", "5x", "s", "1.5s", "18446744073709552s", "9ms", "1b", "65535"}) {
        EXPECT_EQ(period_of(value), Period(0, 65536)) << value;
        EXPECT_NE(complaints, "") << value;
    }
    EXPECT_EQ(value_of(options_of({"TARN_INTERVAL=60s"}), "interval"), "60000ms");
    EXPECT_EQ(value_of(options_of({"TARN_INTERVAL=64k"}), "interval"), "65536b");
    expect_refused("TARN_INTERVAL=1b", "tarn: TARN_INTERVAL: '1b' is not a value of 'interval', "
                                       "which takes TIME|SIZE, at least 10ms or 64k\n");
}

TEST(Options, ReadPercentagesWithAndWithoutTheirSign)
{
    EXPECT_EQ(options_of({"TARN_PEAK=5%"}).peak, 5U);
    EXPECT_EQ(options_of({"TARN_PEAK=5"}).peak, 5U);
    EXPECT_EQ(options_of({"TARN_PEAK=10000%"}).peak, 10000U);
    EXPECT_EQ(complaints, "");
    for (const std::string value : {"", "%", "5%%", "10001%", "-5%", "5 %"}) {
        const std::string entry = "TARN_PEAK=" + value;
        EXPECT_EQ(options_of({entry}).peak, 0U) << value;
        EXPECT_NE(complaints, "") << value;
    }
    EXPECT_EQ(value_of(options_of({"TARN_PEAK=5"}), "peak"), "5%");
}

TEST(Options, RefuseSizesThatOverflow)
{
    for (const std::string value :
         {"18446744073709551616", "99999999999999999999999", "18014398509481984k", "16777216t"}) {
        EXPECT_EQ(limit_of(value), 0U) << value;
        EXPECT_EQ(complaints, "tarn: TARN_LIMIT: '" + value +
                                  "' is not a value of 'limit', which takes SIZE\n");
    }
}

TEST(Options, RefuseTimesThatOverflow)
{
    EXPECT_EQ(purge_delay_of("18446744073709552s"), 1000U);
    EXPECT_NE(complaints, "");
    EXPECT_EQ(purge_delay_of("307445734561826m"), 1000U);
    EXPECT_NE(complaints, "");
}

TEST(Options, RefuseNumbersInAnyOtherForm)
{
    for (const std::string value :
         {"", "-1", "+1", "0x10", "1.5g", "1 k", "k", "5kk", "5s", "1e6"}) {
        EXPECT_EQ(limit_of(value), 0U) << value;
        EXPECT_NE(complaints, "") << value;
    }
    EXPECT_EQ(purge_delay_of("5k"), 1000U);
    EXPECT_NE(complaints, "");
}

TEST(Options, NameVariableAndValueOfABadValue)
{
    expect_refused("TARN=fallback=tcmalloc",
                   "tarn: TARN: 'tcmalloc' is not a value of 'fallback', which takes "
                   "jemalloc|mmap\n");
    expect_refused("TARN_THP=sometimes",
                   "tarn: TARN_THP: 'sometimes' is not a value of 'thp', which takes "
                   "off|auto|always\n");
    expect_refused("TARN_STATS=", "tarn: TARN_STATS: '' is not a value of 'stats', which takes "
                                  "on|off\n");
    expect_refused("TARN=limit", "tarn: TARN: '' is not a value of 'limit', which takes SIZE\n");
}

TEST(Options, NameTheRangeOfANumber)
{
    expect_refused("TARN_EXITCODE=300", "tarn: TARN_EXITCODE: '300' is not a value of 'exitcode', "
                                        "which takes NUMBER, 0 to 255\n");
    expect_refused("TARN_DEPTH=999999999999",
                   "tarn: TARN_DEPTH: '999999999999' is not a value of 'depth', which takes "
                   "NUMBER, 0 to 2048\n");
    expect_refused("TARN_PEAK=1000000%", "tarn: TARN_PEAK: '1000000%' is not a value of 'peak', "
                                         "which takes PERCENT, 0% to 10000%\n");
    expect_refused("TARN_POISON_FREE=0x100",
                   "tarn: TARN_POISON_FREE: '0x100' is not a value of 'poison_free', which takes "
                   "BYTE, 0 to 255 or 0x00 to 0xff\n");
}

TEST(Options, ReadBytesAlsoInHexadecimal)
{
    for (const auto& [text, byte] : std::initializer_list<std::pair<std::string, std::size_t>>{
             {"90", 90}, {"0x5a", 90}, {"0X5A", 90}, {"0xff", 255}, {"0x0", 0}, {"0x00005a", 90}})
        EXPECT_EQ(options_of({"TARN_POISON_ALLOC=" + text}).poison_alloc, byte) << text;
    EXPECT_EQ(complaints, "");
    for (const std::string text : {"5a", "0x", "0x5g", "0x100", "0x-1", "x5a", "256", "0x 5"}) {
        EXPECT_EQ(options_of({"TARN_POISON_ALLOC=" + text}).poison_alloc, 165U) << text;
        EXPECT_NE(complaints, "") << text;
    }
}

TEST(Options, NameTheClosestKeyForAnUnknownOne)
{
    const auto expect_meant = [](std::string_view key, std::string_view meant) {
        std::string entry = "TARN=";
        entry += key;
        std::string complaint = "tarn: TARN: unknown option '";
        complaint.append(key).append("', did you mean '").append(meant);
        complaint += "'? (TARN=help lists all)\n";
        expect_refused(entry, complaint);
    };
    expect_meant("stat", "stats");
    expect_meant("verbsoe", "verbose");
    expect_meant("LIMITS", "limit");
    expect_meant("purgedelay", "purge_delay");
    expect_meant("stats_jsn", "stats_json");
    expect_meant("hugepages", "huge_pages");
    expect_refused("TARN_FALBACK=mmap",
                   "tarn: TARN_FALBACK: unknown option 'FALBACK', did you mean 'fallback'? "
                   "(TARN=help lists all)\n");
}

TEST(Options, AnswerKeysOfAnyLength)
{
    const std::string key(5000, 'x');
    const std::string entry = "TARN=" + key;
    options_of({entry});
    EXPECT_NE(complaints.find("unknown option '" + key + "'"), std::string::npos);
    const std::string nameless = "TARN==5";
    options_of({nameless});
    EXPECT_NE(complaints.find("unknown option ''"), std::string::npos);
}

TEST(Options, GoOnBehindWhatTheyRefuse)
{
    const Options options = options_of({"TARN=nonsense,limit=x,stats"});
    EXPECT_TRUE(options.stats);
    EXPECT_EQ(std::ranges::count(complaints, '\n'), 2);
}

TEST(Options, KeepTextsInPlace)
{
    std::string entry = "TARN_LOG=/tmp/%e.%p";
    const Options options = options_of({entry});
    entry.assign(entry.size(), '#'); // the program overwrites its environment
    EXPECT_EQ(options.log.view(), "/tmp/%e.%p");
    EXPECT_EQ(options_of({"TARN=only=a|b"}).only.view(), "a|b");
    EXPECT_EQ(complaints, "");
}

TEST(Options, RefuseTextsThatDoNotFit)
{
    const std::string longest(511, 'x');
    const std::string fits = "TARN_LOG=" + longest;
    EXPECT_EQ(options_of({fits}).log.view(), longest);
    EXPECT_EQ(complaints, "");
    const std::string too_long = "TARN_LOG=" + longest + "x";
    EXPECT_EQ(options_of({too_long}).log.view(), "");
    EXPECT_NE(complaints, "");
    EXPECT_EQ(options_of({"TARN_LOG="}).log.view(), "");
    EXPECT_NE(complaints, "");
}

TEST(Options, TakeTheLastOfSeveralTexts)
{
    EXPECT_EQ(options_of({"TARN=log=long_name,log=b"}).log.view(), "b");
}

TEST(Options, AreAllInTheHelp)
{
    complaints.clear();
    {
        Printer out(remember);
        print_option_help(out);
    }
    for (const OptionSpec& spec : option_specs()) {
        EXPECT_NE(complaints.find("\n  " + std::string(spec.name) + "="), std::string::npos);
        EXPECT_NE(complaints.find(std::string(spec.help) + "\n"), std::string::npos);
    }
    EXPECT_TRUE(complaints.ends_with("\n"));
}

} // namespace

} // namespace tarn
