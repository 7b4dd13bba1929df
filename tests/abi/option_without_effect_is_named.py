#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: an option that has no effect, because what would use it is not on, is one line on stderr
# that names it, its value and what it needs; with that on, or as by default, there is none.

import sys

from preload import expect, run_well

LIBRARY, SUBJECT = sys.argv[1:3]

STACKS = "trace, profile, or leaks with stacks"
ANY_REPORT = "trace, profile, debug, guard, fail, or leaks with stacks"
ALL = "a look at every block, which profile and sample do not take"
# Key: a value other than its default, what it needs, and with what it has an effect.
NEEDS = {
    "thp": ("always", "pools", ""),
    "huge_pages": ("on", "pools", ""),
    "leaks_show": ("possible", "leaks", "leaks"),
    "leaks_max": ("7", "leaks", "leaks"),
    "leaks_exitcode": ("0", "leaks", "leaks"),
    "leaks_signal": ("USR2", "leaks", "leaks"),
    "leaks_since": ("mark", "leaks", "leaks"),
    "leaks_json": ("/dev/null", "leaks", "leaks"),
    "min_bytes": ("100", "leaks", "leaks"),
    "gen_suppressions": ("on", "leaks with stacks", "leaks"),
    "suppressions": ("/nowhere/file", "leaks with stacks", "leaks"),
    "stw": ("fork", "leaks", "leaks"),
    "children": ("off", "leaks or state", "leaks"),
    "sample": ("4096", STACKS, "leaks"),
    "trace_max": ("7", "trace, profile or a limit", "profile"),
    "trace_file": ("/dev/null", "trace or profile", "profile"),
    "trace_signal": ("USR2", "trace or profile", "profile"),
    "interval": ("60000ms", "trace or profile", "profile"),
    "peak": ("10%", "trace or profile", "profile"),
    "dumps_max": ("7", "interval or peak", "profile,peak=10%"),
    "state": ("/nowhere/state", "trace or profile", "profile"),
    "events": ("/nowhere/events", "trace, nor with sample", "trace"),
    "events_max": ("1048576", "events", "trace,events=/dev/null"),
    "timeline": ("/dev/null", "trace or profile", "profile"),
    "stacks": ("off", "leaks, nor with trace or profile", "leaks"),
    "depth": ("100", ANY_REPORT, "leaks"),
    "unwind": ("fp", ANY_REPORT, "leaks"),
    "symbolizer": ("/bin/true", ANY_REPORT, "leaks"),
    "debuginfod": ("on", ANY_REPORT, "leaks"),
    "poison_alloc": ("7", "poison=alloc", "debug"),
    "poison_free": ("7", "poison=free", "debug"),
    "mismatch": ("off", "debug, harden, canary, poison or quarantine", "debug"),
    "json": ("/dev/null", "debug, canary, poison, quarantine or guard", "guard"),
    "exitcode": ("7", "debug, guard, fail_fork, a limit or on_error=exit", "guard"),
    "baseline_margin": ("7%", "baseline", "baseline=/nowhere/file"),
    "fail_seed": ("7", "fail=rate", "fail=rate=0.000001"),
    "fail_timeout": ("7ms", "fail_fork", "fail_fork"),
    "zero": ("alloc", "harden, nor with what looks for misuse", "harden"),
    "guard_align": ("left", "guard", "guard"),
    "guard_max": ("7000", "guard", "guard"),
    "guard_memory": ("1048576", "guard", "guard"),
}
# Those that have no effect with a sample.
NOT_OF_A_SAMPLE = {"fail": "1000000", "fail_fork": "on", "max_alloc": "1073741824",
                   "limit_peak": "1073741824", "limit_allocs": "1000000", "baseline": "/nowhere/file"}
# Those that need nothing, and those that others need.
FREE = {"help", "verbose", "stats", "stats_json", "log", "fallback", "pools", "limit",
        "purge_delay", "deepbind", "only", "leaks", "trace", "profile", "debug", "canary",
        "poison", "quarantine", "check_every", "harden", "on_error", "guard", *NOT_OF_A_SAMPLE}
# Without what is on by default.
OFF = {"thp": "pools=off,", "huge_pages": "pools=off,"}


def told(options, key):
    """Lines about the key. What else is set keeps the program's status, and the folder clean."""
    result = run_well(LIBRARY, SUBJECT,
                      TARN=f"leaks_exitcode=0,exitcode=0,trace_file=/dev/null,{options}")
    return [line for line in result.stderr.splitlines()
            if line.startswith(f"tarn: {key}=") and "no effect" in line]


table = run_well(LIBRARY, SUBJECT, TARN="help").stderr
keys = {line.split("=")[0].strip() for line in table.splitlines()[4:] if "=" in line}
for key in keys ^ (NEEDS.keys() | FREE):
    expect(False, "each option of TARN=help in a table of this test", key)

for key, (value, needs, enough) in NEEDS.items():
    line = f"tarn: {key}={value} has no effect without {needs}"
    result = run_well(LIBRARY, SUBJECT, TARN=f"{OFF.get(key, '')}{key}={value}")
    expect(result.stderr.splitlines() == [line], line, repr(result.stderr))
    expect(result.stdout == "done\n", "the program's output", repr(result.stdout))
    expect(told(f"{enough},{key}={value}", key) == [], f"nothing with {enough}", key)

for key, value in NOT_OF_A_SAMPLE.items():
    expect(told(f"profile,{key}={value}", key) ==
           [f"tarn: {key}={value} has no effect without {ALL}"], f"a line about {key}",
           told(f"profile,{key}={value}", key))
    expect(told(f"{key}={value}", key) == [], "nothing", key)

result = run_well(LIBRARY, SUBJECT, TARN="sample=4k,peak=5,leaks_max=1,children=on,stacks=on")
expect([line.split("=")[0] for line in result.stderr.splitlines()] ==
       ["tarn: leaks_max", "tarn: sample", "tarn: peak"], "a line for each", repr(result.stderr))
for options, key in (("leaks,stacks=off,sample=4k", "sample"), ("leaks,trace,stacks=off", "stacks"),
                     ("profile,events=/dev/null", "events"),
                     ("trace,sample=4k,events=/dev/null", "events"),
                     ("leaks,stacks=off,gen_suppressions", "gen_suppressions")):
    expect(len(told(options, key)) == 1, f"a line with {options}", told(options, key))
expect(run_well(LIBRARY, SUBJECT, TARN="only=other,sample=4k").stderr == "", "nothing", "something")
