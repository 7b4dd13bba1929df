// SPDX-License-Identifier: MIT
//
// Which options have an effect only together with others.

#include <algorithm>
#include <array>

#include "src/base/options.h"

namespace tarn {

namespace {

bool has_leaks(const Options& options)
{
    return options.leaks;
}

bool has_trace(const Options& options)
{
    return options.reports_sites();
}

bool lists_places(const Options& options)
{
    return options.counts_sites();
}

bool counts_all(const Options& options)
{
    return options.counts_all();
}

bool has_rate(const Options& options)
{
    return options.fail.kind == FailChoice::Kind::rate;
}

bool has_fail_fork(const Options& options)
{
    return options.fail_fork;
}

bool has_baseline(const Options& options)
{
    return !options.baseline.view().empty();
}

bool may_be_ended(const Options& options)
{
    return options.checks_blocks() || options.guard || options.compares_totals() ||
           options.fail_fork || options.max_alloc != 0 || options.on_error == OnError::exit;
}

bool has_stacks(const Options& options)
{
    return options.counts_sites() || (options.leaks && options.stacks);
}

bool has_leaks_with_stacks(const Options& options)
{
    return options.leaks && has_stacks(options);
}

bool has_pools(const Options& options)
{
    return options.pools;
}

bool has_dumps(const Options& options)
{
    return options.interval_milliseconds != 0 || options.interval_bytes != 0 || options.peak != 0;
}

/// A trace has them anyway.
bool has_choice_of_stacks(const Options& options)
{
    return options.checks_blocks() || (options.leaks && !options.counts_sites());
}

bool has_checks(const Options& options)
{
    return options.checks_blocks();
}

bool has_guards(const Options& options)
{
    return static_cast<bool>(options.guard);
}

bool may_find_misuse(const Options& options)
{
    return options.checks_blocks() || has_guards(options);
}

bool writes_whole_reports(const Options& options)
{
    return may_find_misuse(options) && !options.hardens();
}

bool fills_new_blocks(const Options& options)
{
    return options.poison == PoisonMode::alloc || options.poison == PoisonMode::both;
}

bool fills_freed_blocks(const Options& options)
{
    return options.poison == PoisonMode::free || options.poison == PoisonMode::both;
}

bool has_stacks_or_checks(const Options& options)
{
    return has_stacks(options) || (may_find_misuse(options) && !options.hardens()) ||
           options.refuses();
}

bool hardens(const Options& options)
{
    return options.hardens();
}

bool has_children(const Options& options)
{
    return options.leaks || !options.state.view().empty();
}

/// A sample has not every call.
bool has_whole_trace(const Options& options)
{
    return options.trace && options.sample == 0;
}

bool has_events(const Options& options)
{
    return !options.events.view().empty();
}

struct Need {
    std::string_view option;
    bool (*is_met)(const Options& options);
    std::string_view without; // "has no effect without ..."
};

constexpr std::string_view kTrace = "trace or profile";
constexpr std::string_view kAnyStacks = "trace, profile, or leaks with stacks";
constexpr std::string_view kAnyReport = "trace, profile, debug, guard, fail, or leaks with stacks";
constexpr std::string_view kChecks = "debug, harden, canary, poison or quarantine";
constexpr std::string_view kCountOfAll =
    "a look at every block, which profile and sample do not take";
constexpr std::string_view kLeaksWithStacks = "leaks with stacks";

constexpr std::array kNeeds{
    Need{"thp", has_pools, "pools"},
    Need{"huge_pages", has_pools, "pools"},
    Need{"leaks_show", has_leaks, "leaks"},
    Need{"leaks_max", has_leaks, "leaks"},
    Need{"leaks_exitcode", has_leaks, "leaks"},
    Need{"leaks_signal", has_leaks, "leaks"},
    Need{"leaks_since", has_leaks, "leaks"},
    Need{"leaks_json", has_leaks, "leaks"},
    Need{"stw", has_leaks, "leaks"},
    Need{"min_bytes", has_leaks, "leaks"},
    Need{"children", has_children, "leaks or state"},
    Need{"suppressions", has_leaks_with_stacks, kLeaksWithStacks},
    Need{"gen_suppressions", has_leaks_with_stacks, kLeaksWithStacks},
    Need{"stacks", has_choice_of_stacks, "leaks, nor with trace or profile"},
    Need{"sample", has_stacks, kAnyStacks},
    Need{"depth", has_stacks_or_checks, kAnyReport},
    Need{"unwind", has_stacks_or_checks, kAnyReport},
    Need{"symbolizer", has_stacks_or_checks, kAnyReport},
    Need{"debuginfod", has_stacks_or_checks, kAnyReport},
    Need{"poison_alloc", fills_new_blocks, "poison=alloc"},
    Need{"poison_free", fills_freed_blocks, "poison=free"},
    Need{"mismatch", has_checks, kChecks},
    Need{"json", writes_whole_reports, "debug, canary, poison, quarantine or guard"},
    Need{"exitcode", may_be_ended, "debug, guard, fail_fork, a limit or on_error=exit"},
    Need{"fail", counts_all, kCountOfAll},
    Need{"fail_fork", counts_all, kCountOfAll},
    Need{"max_alloc", counts_all, kCountOfAll},
    Need{"limit_peak", counts_all, kCountOfAll},
    Need{"limit_allocs", counts_all, kCountOfAll},
    Need{"baseline", counts_all, kCountOfAll},
    Need{"baseline_margin", has_baseline, "baseline"},
    Need{"fail_seed", has_rate, "fail=rate"},
    Need{"fail_timeout", has_fail_fork, "fail_fork"},
    Need{"timeline", has_trace, kTrace},
    Need{"state", has_trace, kTrace},
    Need{"events", has_whole_trace, "trace, nor with sample"},
    Need{"events_max", has_events, "events"},
    Need{"zero", hardens, "harden, nor with what looks for misuse"},
    Need{"guard_align", has_guards, "guard"},
    Need{"guard_max", has_guards, "guard"},
    Need{"guard_memory", has_guards, "guard"},
    Need{"trace_max", lists_places, "trace, profile or a limit"},
    Need{"trace_file", has_trace, kTrace},
    Need{"trace_signal", has_trace, kTrace},
    Need{"interval", has_trace, kTrace},
    Need{"peak", has_trace, kTrace},
    Need{"dumps_max", has_dumps, "interval or peak"},
};

} // namespace

void tell_idle_options(const Options& options, TextSink complain)
{
    for (const OptionSpec& spec : option_specs()) {
        const auto* const need = std::ranges::find(kNeeds, spec.name, &Need::option);
        if (need == kNeeds.end() || need->is_met(options)) continue;
        FixedText<600> value;
        FixedText<600> otherwise;
        print_option_value(value, options, spec);
        print_option_value(otherwise, Options{}, spec);
        if (value.view() == otherwise.view()) continue;
        Printer(complain) << "tarn: " << spec.name << "=" << value.view()
                          << " has no effect without " << need->without << "\n";
    }
}

} // namespace tarn
