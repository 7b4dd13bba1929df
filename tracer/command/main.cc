// SPDX-License-Identifier: MIT
//
// tarn: the program beside libtarn.so, for what needs more than a preloaded library may.

#include <CLI/CLI.hpp>
#include <csignal>
#include <exception>
#include <iostream>

#include "src/include/tarn/version.h"
#include "tracer/command/resolve.h"

namespace {

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

    CLI11_PARSE(app, argc, argv);
    // libtarn.so starts us with all signals blocked.
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, nullptr);
    std::ios::sync_with_stdio(false);
    if (symbolize->parsed()) tarn::symbolize(std::cin, std::cout);
    if (resolve->parsed()) tarn::answer(std::cin, std::cout, suppressions);
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
