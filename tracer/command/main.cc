// SPDX-License-Identifier: MIT
//
// tarn: the program beside libtarn.so, for what needs more than a preloaded library may.

#include <CLI/CLI.hpp>
#include <csignal>
#include <exception>
#include <iostream>
#include <stdexcept>

#include "src/include/tarn/version.h"
#include "tracer/command/folded.h"
#include "tracer/command/resolve.h"

namespace {

void fold(const std::string& path, const std::string& value)
{
    const std::string data = tarn::read_profile(path);
    try {
        tarn::write_folded(data, value, std::cout);
    } catch (const std::runtime_error& problem) {
        throw std::runtime_error(path + ": " + problem.what());
    }
}

int run(int argc, char** argv)
{
    CLI::App app("tarn " TARN_VERSION ": works on what libtarn.so reports");
    app.set_version_flag("--version", TARN_VERSION);
    app.require_subcommand(1);

    CLI::App* const symbolize =
        app.add_subcommand("symbolize", "put functions and lines into a report, stdin to stdout");

    CLI::App* const resolve =
        app.add_subcommand("resolve", "answer libtarn.so, which runs this when it writes a report");
    std::string suppressions;
    resolve->add_option("--suppressions", suppressions, "file with leaks that are not to be shown");

    CLI::App* const folded = app.add_subcommand(
        "folded", "print a profile as folded stacks, for flamegraph.pl, speedscope and the like");
    std::string profile;
    std::string value;
    folded->add_option("FILE", profile, "profile of TARN=trace, or any other for pprof")
        ->required();
    folded->add_option("--value", value,
                       "what to print: alloc_objects, alloc_space, inuse_objects, inuse_space, "
                       "peak_objects, or peak_space, the default of tarn's profiles");

    CLI11_PARSE(app, argc, argv);
    // libtarn.so starts us with all signals blocked.
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, nullptr);
    std::ios::sync_with_stdio(false);
    if (symbolize->parsed()) tarn::symbolize(std::cin, std::cout);
    if (resolve->parsed()) tarn::answer(std::cin, std::cout, suppressions);
    if (folded->parsed()) fold(profile, value);
    std::cout.flush();
    return std::cout ? 0 : 1;
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
