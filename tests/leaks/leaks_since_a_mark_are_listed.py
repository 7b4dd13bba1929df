#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: with leaks_since=mark a report lists only what was allocated after the last
# tarn_leaks_mark(), and says so; with leaks_since=report what was allocated after the report before.

import json
import os
import sys
import tempfile

from report import expect, run, summary

LIBRARY, SUBJECT = sys.argv[1:3]

BEFORE = (3000, 3)
AFTER = (21000, 3)  # definitely lost; two more of 50 bytes with them


def classes(text):
    found = summary(text)
    return found and (found["definite"], found["indirect"])


def marked(options, how="mark"):
    return run(LIBRARY, SUBJECT, how, TARN=f"leaks,{options}")


with tempfile.TemporaryDirectory() as directory:
    path = f"{directory}/json"
    result = marked(f"leaks_since=mark,leaks_json={path}")
    expect(result.stdout == "mark 1\n", "the first mark", result.stdout)
    expect(classes(result.stderr) == (AFTER, (100, 2)), "what was lost after it", result.stderr)
    expect("memory leaks (by tarn, in mark_subject, since mark 1)" in result.stderr and
           "lost before mark: 3,000 bytes in 3 blocks" in result.stderr and
           " in before " not in result.stderr and result.returncode == 23, "the mark", result.stderr)
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    expect(report["since"] == 1 and report["totals"]["old_lost"] == {"bytes": 3000, "blocks": 3} and
           report["totals"]["definite"]["blocks"] == 3, "the same", report["totals"])

result = marked("leaks_since=mark,leaks_show=all")
reachable = summary(result.stderr)["reachable"]
expect("Still reachable" not in result.stderr or reachable[1] > 0, "new blocks only", result.stderr)

# By default a mark changes nothing.
result = marked("leaks_since=start")
expect(result.stdout == "mark 1\n" and
       classes(result.stderr) == ((BEFORE[0] + AFTER[0], 6), (100, 2)) and
       "mark" not in result.stderr.replace("mark_subject", ""), "all of it", result.stderr)

# Each report is a mark: that on demand and that at the end.
result = marked("leaks_since=report", "report")
first, _, second = result.stderr.partition("SUMMARY: tarn: 3000 byte(s)")
expect(result.stdout == "lost 3\n" and classes(first) == (BEFORE, (0, 0)) and
       "since mark" not in first, "what was lost before", result.stderr)
expect(classes(second) == (AFTER, (100, 2)) and "since mark 1" in second, "and after", second)
result = marked("leaks_since=mark", "report")
expect(classes(result.stderr.partition("SUMMARY: tarn: 3000 byte(s)")[2]) ==
       ((BEFORE[0] + AFTER[0], 6), (100, 2)), "without a mark all of it", result.stderr)

# Where blocks have no marks.
for options in "stacks=off", "trace,trace_file=/dev/null":
    result = marked(f"leaks_since=mark,{options}")
    expect(result.stdout == "mark -1\n" and
           result.stderr.count("tarn: leaks_since: has no effect with trace, of a sample, or without stacks") == 1,
           "-1 and one line", f"{result.stdout} {result.stderr}")
    expect(classes(result.stderr)[0][1] == 6, "all of it", result.stderr)
result = run(LIBRARY, SUBJECT, "mark", TARN="")
expect((result.stdout, result.stderr, result.returncode) == ("mark -1\n", "", 0), "-1", result)
result = run(None, SUBJECT, "mark")
expect(result.stdout == "mark -2\n", "no function without the preload", os.path.basename(SUBJECT))
