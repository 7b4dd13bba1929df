// SPDX-License-Identifier: MIT

#include "tracer/failure_report.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <sys/wait.h>

#include "src/base/guard_choice.h"
#include "src/os/process.h"
#include "tracer/call_names.h"
#include "tracer/rerun_advice.h"
#include "tracer/site_number.h"

namespace tarn {

namespace {

constexpr std::size_t kMostCallsListed = 64;
constexpr std::size_t kMostListed = 20; // of the places where copies crashed
constexpr std::size_t kMostOutcomes = 64;

struct SignalName {
    int signal;
    std::string_view name;
};
constexpr std::array kSignalNames{
    SignalName{SIGSEGV, "SIGSEGV"}, SignalName{SIGBUS, "SIGBUS"},   SignalName{SIGABRT, "SIGABRT"},
    SignalName{SIGFPE, "SIGFPE"},   SignalName{SIGILL, "SIGILL"},   SignalName{SIGTRAP, "SIGTRAP"},
    SignalName{SIGSYS, "SIGSYS"},   SignalName{SIGTERM, "SIGTERM"}, SignalName{SIGKILL, "SIGKILL"}};

void print_signal(Printer& out, int signal)
{
    const auto* const known = std::ranges::find(kSignalNames, signal, &SignalName::signal);
    if (known != kSignalNames.end())
        out << known->name;
    else
        out << "signal " << static_cast<std::uint64_t>(signal);
}

void print_outcome(Printer& out, int status, std::size_t timeout)
{
    if (status == Trial::kNotOver) {
        const bool has_fraction = timeout % 1000 != 0;
        out << "still ran after " << std::uint64_t{has_fraction ? timeout : timeout / 1000}
            << (has_fraction ? " ms" : " s");
    } else if (WIFSIGNALED(status)) {
        out << "ended by ";
        print_signal(out, WTERMSIG(status));
    } else {
        out << "exited with " << static_cast<std::uint64_t>(WEXITSTATUS(status));
    }
}

void print_title(Printer& out, const Refusal& refusal)
{
    out << "allocation " << refusal.number << ", of " << std::uint64_t{refusal.size}
        << (refusal.size == 1 ? " byte" : " bytes");
    if (refusal.trace != kNoTrace)
        out << " (site " << site_text(site_number(refusal.trace)).view() << ")";
}

/// All of one kind together, in the order in which they came.
struct Outcome {
    int status;
    std::uint64_t count;
};

class Outcomes {
public:
    void add(int status)
    {
        Outcome* const end = outcomes_.data() + size_;
        Outcome* found = std::find_if(
            outcomes_.data(), end, [status](const Outcome& one) { return one.status == status; });
        if (found == end) {
            if (size_ == outcomes_.size()) return;
            *found = {.status = status, .count = 0};
            ++size_;
        }
        ++found->count;
    }
    std::span<const Outcome> sorted()
    {
        std::ranges::sort(outcomes_.data(), outcomes_.data() + size_, std::ranges::greater{},
                          &Outcome::count);
        return {outcomes_.data(), size_};
    }

private:
    std::array<Outcome, kMostOutcomes> outcomes_{};
    std::size_t size_ = 0;
};

/// Whether one before has ended likewise from the same place.
bool is_repeated(std::span<const Trial> trials, std::size_t number)
{
    const Trial& trial = trials[number];
    const std::uint32_t site = site_number(trial.refusal.trace);
    return std::ranges::any_of(trials.first(number), [&](const Trial& other) {
        return other.status == trial.status && site_number(other.refusal.trace) == site;
    });
}

bool is_to_be_listed(std::span<const Trial> trials, std::size_t number)
{
    return trials[number].has_crashed() && !is_repeated(trials, number);
}

void print_crashes(Printer& out, std::span<const Trial> trials, std::size_t timeout,
                   const CallNames& names)
{
    std::size_t listed = 0;
    std::size_t left_out = 0;
    for (std::size_t i = 0; i < trials.size(); ++i) {
        if (!is_to_be_listed(trials, i)) continue;
        if (listed == kMostListed) {
            ++left_out;
            continue;
        }
        ++listed;
        const Refusal& refusal = trials[i].refusal;
        out << "The copy ";
        print_outcome(out, trials[i].status, timeout);
        out << ", without memory for ";
        print_title(out, refusal);
        out << ":\n";
        names.print(out, refusal.trace, kMostCallsListed);
        out << "To see it: TARN=fail=site:" << site_text(site_number(refusal.trace)).view();
        print_rerun_command(out);
        out << "\n\n";
    }
    if (left_out != 0) out << std::uint64_t{left_out} << " more places are not listed.\n\n";
}

} // namespace

bool Trial::has_crashed() const
{
    if (status == kNotOver) return true;
    return WIFSIGNALED(status) && WTERMSIG(status) != SIGABRT && WTERMSIG(status) != SIGTERM;
}

void report_refusal(const Refusal& refusal, TextSink sink)
{
    CallNames names;
    if (refusal.trace != kNoTrace) names.add(refusal.trace);
    names.resolve({}, sink);
    Printer out(sink);
    out << "==" << os::process_id() << "==tarn: " << (refusal.most != 0 ? "max_alloc: " : "fail: ");
    print_title(out, refusal);
    if (refusal.most != 0) out << ", is larger than " << std::uint64_t{refusal.most} << " bytes";
    out << ": no memory (ENOMEM)\n";
    if (refusal.trace != kNoTrace) names.print(out, refusal.trace, kMostCallsListed);
    out << "\n";
}

void report_trials(std::span<const Trial> trials, std::size_t timeout, TextSink sink)
{
    CallNames names;
    Outcomes outcomes;
    std::uint64_t crashed = 0;
    for (std::size_t i = 0; i < trials.size(); ++i) {
        outcomes.add(trials[i].status);
        if (trials[i].has_crashed()) ++crashed;
        if (is_to_be_listed(trials, i)) names.add(trials[i].refusal.trace);
    }
    if (crashed != 0) names.resolve({}, sink);
    Printer out(sink);
    out << "\n==" << os::process_id() << "==tarn: fail_fork: " << std::uint64_t{trials.size()}
        << (trials.size() == 1 ? " allocation" : " allocations")
        << " got no memory, each in a copy of " << os::executable_name() << "\n";
    for (const Outcome& outcome : outcomes.sorted()) {
        out << "   " << outcome.count << (outcome.count == 1 ? " copy " : " copies ");
        print_outcome(out, outcome.status, timeout);
        out << "\n";
    }
    out << "\n";
    print_crashes(out, trials, timeout, names);
    if (crashed != 0)
        out << "SUMMARY: tarn: " << crashed << (crashed == 1 ? " copy" : " copies") << " of "
            << os::executable_name() << " crashed or hung for want of memory\n";
}

} // namespace tarn
