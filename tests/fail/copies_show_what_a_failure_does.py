#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: with fail_fork each place fails in a copy of the program; the program itself does not
# notice, and the report says how the copies ended, where those crashed, and how to see it again.

import os
import re
import shlex
import signal
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "abi"))

from preload import expect, run  # noqa: E402  (found by way of the line above)

LIBRARY, SUBJECT = sys.argv[1:3]


def outcomes(stderr):
    """How many copies have ended how, and the functions in which crashed ones had no memory."""
    ends = {end: int(count) for count, end in
            re.findall(r"^   (\d+) cop(?:y|ies) (.*)$", stderr, re.MULTILINE)}
    places = re.findall(r"^The copy (.*), without memory for .*\n    #0 0x\S+ in .*?(\w+)\(", stderr,
                        re.MULTILINE)
    return ends, places


ALL = {"exited with 0": 2, "exited with 3": 1, "ended by SIGSEGV": 1, "ended by SIGABRT": 1,
       "exited with 4": 2, "exited with 5": 2, "exited with 6": 1, "exited with 7": 1}
for mode in "", ",debug", ",guard=all", ",leaks", ",trace,trace_file=/dev/null", ",exitcode=5":
    result = run(LIBRARY, SUBJECT, TARN=f"fail_fork{mode}")
    expect(outcomes(result.stderr) == (ALL, [("ended by SIGSEGV", "careless")]), f"{ALL} with {mode}",
           result.stderr)
    expect(result.stdout == "done\n" and result.returncode == (5 if "exitcode" in mode else 99),
           "one output and a status", (result.stdout, result.returncode))

# The command that it names shows the crash.
command = re.search(r"^To see it: (.*)$", result.stderr, re.MULTILINE).group(1)
words = shlex.split(command)
seen = run(LIBRARY, *words[2:], TARN=words[0].removeprefix("TARN="))
expect(seen.returncode == -signal.SIGSEGV and words[1] == f"LD_PRELOAD={LIBRARY}", "the crash",
       (command, seen.returncode))

# What does not end is ended, and the rest is tried.
result = run(LIBRARY, SUBJECT, "patient", TARN="fail_fork,fail_timeout=300ms")
expect(outcomes(result.stderr) == ({"still ran after 300 ms": 1, "exited with 0": 1},
                                   [("still ran after 300 ms", "patient")]), "a timeout",
       result.stderr)

# Locks that are held around malloc and know their thread are the copy's, too.
result = run(LIBRARY, SUBJECT, "locked", TARN="fail_fork,fail_timeout=2s,fail=1")
expect(outcomes(result.stderr) == ({"exited with 9": 1}, []), "locks that work", result.stderr)

# By _exit, with children that are ignored, and from many threads.
result = run(LIBRARY, SUBJECT, "_exit", TARN="fail_fork")
expect(result.returncode == 99 and outcomes(result.stderr)[1] == [("ended by SIGSEGV", "careless")],
       "a report", result.stderr)
result = run(LIBRARY, SUBJECT, "children", TARN="fail_fork")
expect(outcomes(result.stderr) == ({"exited with 0": 3}, []) and result.returncode == 0,
       "three copies", result.stderr)
result = run(LIBRARY, SUBJECT, "threads", TARN="fail_fork")
expect(result.returncode == 0 and result.stdout == "done\n" and "exited with 0" in result.stderr,
       "a report", result.stderr)

# Only those that fail= chooses.
result = run(LIBRARY, SUBJECT, TARN="fail_fork,fail=2-3")
expect(outcomes(result.stderr)[0] == {"exited with 0": 1, "ended by SIGSEGV": 1}, "two copies",
       result.stderr)

# A real program that holds a lock of its handlers for fork around malloc, and the files of which
# the copies do not touch.
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "out")
    result = run(LIBRARY, "/usr/bin/perl", "-e", f"open F, '>', '{path}'; print F 1; print 2;",
                 TARN="fail_fork,fail_timeout=1s,fail=1-40")
    with open(path) as file:
        written = file.read()
    expect(result.stdout == "2" and written == "1" and "40 allocations got no memory" in result.stderr,
           "perl's output", (result.stdout, written, result.stderr[-500:]))
