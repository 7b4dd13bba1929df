// SPDX-License-Identifier: MIT
//
// tarn: the program beside libtarn.so, for what needs more than a preloaded library may.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "src/include/tarn/version.h"
#include "tracer/command/event_summary.h"
#include "tracer/command/folded.h"
#include "tracer/command/replay.h"
#include "tracer/command/resolve.h"
#include "tracer/command/state_report.h"

namespace {

/// What `tarn folded` and `tarn comments` are told.
struct ProfileCommands {
    CLI::App* folded = nullptr;
    CLI::App* comments = nullptr;
    std::string file;
    tarn::FoldOptions options;

    void add_to(CLI::App& app)
    {
        constexpr const char* kFile = "profile of TARN=trace, or any other for pprof";
        folded = app.add_subcommand(
            "folded",
            "print a profile as folded stacks, for flamegraph.pl, speedscope and the like");
        folded->add_option("FILE", file, kFile)->type_name("")->required();
        folded
            ->add_option("--value", options.value,
                         "what to print: alloc_objects, alloc_space, inuse_objects,\n"
                         "inuse_space, peak_objects, or peak_space, the default of tarn's profiles")
            ->type_name("KIND");
        folded->add_flag("--tags", options.has_tags,
                         "put what has a tag below a call tag:NAME, outside main");
        comments = app.add_subcommand("comments",
                                      "print the comments of a profile, such as tarn's advice");
        comments->add_option("FILE", file, kFile)->type_name("")->required();
    }

    void run() const
    {
        if (!folded->parsed() && !comments->parsed()) return;
        const std::string data = tarn::read_profile(file);
        try {
            folded->parsed() ? tarn::write_folded(data, options, std::cout)
                             : tarn::write_comments(data, std::cout);
        } catch (const std::runtime_error& problem) {
            throw std::runtime_error(file + ": " + problem.what());
        }
    }
};

/// What CLI11 says of it, but for a command that is missing or none of ours.
std::string text_of(const CLI::ParseError& mistake, const CLI::App& app, const char* first)
{
    std::string text = mistake.what();
    if (app.get_subcommands().empty())
        text =
            first == nullptr ? "no command" : "no command or option '" + std::string(first) + "'";
    std::ranges::replace(text, '\n', ' ');
    return text;
}

/// One line, and the status that programs have for a mistake in how they are called.
int complain_of(const CLI::ParseError& mistake, const CLI::App& app, const char* first)
{
    constexpr int kUsage = 2;
    std::string command = "tarn";
    for (const CLI::App* const chosen : app.get_subcommands())
        command += " " + chosen->get_name();
    std::cerr << command << ": " << text_of(mistake, app, first) << " (" << command
              << " --help says more)\n";
    return kUsage;
}
/// What `tarn state` and `tarn diff` are told.
struct StateCommand {
    CLI::App* report = nullptr;
    CLI::App* growth = nullptr;
    std::vector<std::string> files;
    std::string before;
    std::string after;
    tarn::StateReportOptions options;

    void add_to(CLI::App& app)
    {
        constexpr const char* kMost = "most places in each list";
        report = app.add_subcommand(
            "state", "report what a file of state= says, whether its process runs or is gone");
        report->add_option("FILE", files, "one or several")->required();
        report->add_option("--profile", options.profile, "write a profile for pprof, too");
        report->add_option("--timeline", options.timeline,
                           "write what was in use over time as CSV, too");
        report->add_option("--max", options.most_places, kMost)->capture_default_str();
        growth = app.add_subcommand(
            "diff", "list by place what two copies of such a file, or two files, have more in use");
        growth->add_option("OLD", before, "the earlier one")->required();
        growth->add_option("NEW", after, "the later one")->required();
        growth->add_option("--max", options.most_places, kMost)->capture_default_str();
    }

    /// Whether all could be read.
    bool run() const
    {
        if (growth->parsed()) tarn::report_growth(before, after, options);
        bool is_done = true;
        for (const std::string& file : files) {
            try {
                tarn::report_state(file, options);
            } catch (const std::runtime_error& problem) {
                std::cerr << "tarn: " << problem.what() << "\n";
                is_done = false;
            }
        }
        return is_done;
    }
};

/// What `tarn events` and `tarn replay` are told.
struct EventCommands {
    CLI::App* events = nullptr;
    CLI::App* replay = nullptr;
    CLI::App* prepared = nullptr; // as replay starts itself
    std::string file;
    bool as_text = false;
    int descriptor = -1;

    void add_to(CLI::App& app)
    {
        events = app.add_subcommand("events", "say what is in a file of TARN=trace,events=FILE");
        events->add_option("FILE", file, "file of events=")->type_name("")->required();
        events->add_flag("--text", as_text, "print each call as a line");
        replay = app.add_subcommand(
            "replay", "make the calls of such a file again, under the malloc that is preloaded");
        replay->add_option("FILE", file, "file of events=")->type_name("")->required();
        prepared = app.add_subcommand(tarn::kReplayPrepared)->group("");
        prepared->add_option("DESCRIPTOR", descriptor)->required();
    }

    void run() const
    {
        if (events->parsed()) show();
        if (replay->parsed()) tarn::start_replay(file);
        if (prepared->parsed()) tarn::run_replay(descriptor, std::cout);
    }

private:
    void show() const
    {
        const tarn::MappedFile mapped(file);
        const tarn::EventFile parsed = tarn::parse_events(mapped.data(), file);
        as_text ? tarn::write_event_text(parsed, std::cout)
                : tarn::write_event_summary(parsed, std::cout);
    }
};

/// What libdw asks for debug information looks at the environment. Distributions set it, so that
/// alone is no request. It waits for a minute and a half by default, for each file.
void choose_network(bool may_be_used)
{
    // NOLINTBEGIN(concurrency-mt-unsafe): this program has one thread
    if (may_be_used)
        ::setenv("DEBUGINFOD_TIMEOUT", "10", 0);
    else
        ::unsetenv("DEBUGINFOD_URLS");
    // NOLINTEND(concurrency-mt-unsafe)
}

int run(int argc, char** argv)
{
    CLI::App app("tarn " TARN_VERSION ": works on what libtarn.so reports", "tarn");
    app.set_help_flag("-h,--help", "print this text");
    app.set_version_flag("--version", TARN_VERSION, "print the version");
    bool may_use_network = false;
    app.add_flag("--debuginfod", may_use_network,
                 "fetch debug information from the servers of DEBUGINFOD_URLS");
    app.fallthrough();
    app.require_subcommand(1);
    app.get_formatter()->column_width(22);
    app.get_formatter()->label("REQUIRED", "");
    app.footer("Examples:\n"
               "  tarn symbolize <REPORT\n"
               "  tarn folded tarn.program.4711.pb.gz | flamegraph.pl >memory.svg\n"
               "  LD_PRELOAD=libtarn.so tarn replay program.ev");

    ProfileCommands profile;
    profile.add_to(app);

    CLI::App* const symbolize =
        app.add_subcommand("symbolize", "put functions and lines into a report, stdin to stdout");

    CLI::App* const resolve =
        app.add_subcommand("resolve", "answer libtarn.so, which runs this when it writes a report");
    std::string suppressions;
    resolve->add_option("--suppressions", suppressions, "file with leaks that are not to be shown")
        ->type_name("FILE");

    StateCommand state;
    state.add_to(app);
    EventCommands events;
    events.add_to(app);

    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& request) {
        return app.exit(request); // --help and --version
    } catch (const CLI::ParseError& mistake) {
        return complain_of(mistake, app, argc > 1 ? argv[1] : nullptr);
    }
    choose_network(may_use_network);
    // libtarn.so starts us with all signals blocked.
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, nullptr);
    // A profile that the program's limit of file sizes cuts off is an error, not the end of all.
    std::signal(SIGXFSZ, SIG_IGN);
    std::ios::sync_with_stdio(false);
    if (symbolize->parsed()) tarn::symbolize(std::cin, std::cout);
    if (resolve->parsed()) tarn::answer(std::cin, std::cout, suppressions);
    profile.run();
    events.run();
    const bool is_done = state.run();
    std::cout.flush();
    return std::cout && is_done ? 0 : 1;
}

} // namespace

int main(int argc, char** argv)
{
    try {
        return run(argc, argv);
    } catch (const std::exception& problem) {
        std::cerr << "tarn: " << problem.what() << "\n";
        return 1;
    }
}
