#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: limit_peak, limit_allocs and baseline end a program that exceeds them with exitcode, with
# a line that has the exact figures and the places that allocate; others they leave alone.

import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "abi"))

from preload import expect, run  # noqa: E402  (found by way of the line above)

LIBRARY, SUBJECT = sys.argv[1:3]


def verdict(options, *arguments):
    """The status, what the last lines say, and whether there is a list of places."""
    result = run(LIBRARY, SUBJECT, *arguments, TARN=options)
    expect(result.stdout == "done\n", "the program's output", result.stdout)
    lines = [line for line in result.stderr.splitlines() if line.startswith("tarn: ")]
    expect(not lines or result.stderr.splitlines()[-len(lines):] == lines, "the verdict at the end",
           result.stderr)
    return result.returncode, lines, "flexible" in result.stderr or "hold" in result.stderr


def figures(*arguments):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "base")
        status, lines, _ = verdict(f"baseline={path}", *arguments)
        expect((status, lines) == (0, [f"tarn: baseline: written to {path}"]), "a baseline", lines)
        with open(path) as file:
            return {name: int(number) for name, number in
                    (line.split() for line in file if not line.startswith("#"))}


# What the program did is known: 1000 blocks of 200 bytes, and what libc and libstdc++ need.
few, many = figures("many", "0"), figures("many", "1000")
expect(many["allocations"] - few["allocations"] == 1000 and
       many["bytes"] - few["bytes"] == 200_000 and many["in_use"] == few["in_use"],
       "exact figures", (few, many))
held = figures("hold", "5000000")
expect(held["peak"] >= 5_000_000 and held["peak"] - few["peak"] <= 5_000_000, "a peak", held)

allocations = many["allocations"]
expect(verdict(f"limit_allocs={allocations}", "many", "1000") == (0, [], False), "nothing", "more")
expect(verdict(f"limit_allocs={allocations - 1}", "many", "1000") ==
       (99, [f"tarn: limit_allocs: {allocations}, 1 more than {allocations - 1}, in fail_subject"],
        True), "one too many", verdict(f"limit_allocs={allocations - 1}", "many", "1000"))
expect(verdict(f"limit_peak={held['peak']}", "hold", "5000000") == (0, [], False), "nothing", "more")
expect(verdict(f"limit_peak={held['peak'] - 1},exitcode=7", "hold", "5000000") ==
       (7, [f"tarn: limit_peak: {held['peak']}, 1 more than {held['peak'] - 1}, in fail_subject"],
        True), "one byte too many", verdict(f"limit_peak={held['peak'] - 1}", "hold", "5000000"))

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "%e.base")
    name = os.path.join(folder, "fail_subject.base")
    verdict(f"baseline={path}", "many", "1000")
    for times in "1000", "900", "1040":
        expect(verdict(f"baseline={path}", "many", times) == (0, [], False), "nothing", times)
    status, lines, has_places = verdict(f"baseline={path},baseline_margin=1", "many", "1040")
    expect(status == 99 and has_places and len(lines) == 2 and
           lines[0] == f"tarn: baseline: allocations: {allocations + 40} instead of {allocations}, "
                       f"4.0 % more; 1 % are allowed ({name})", "growth", lines)
    # It stays as it was, and one that is none, too.
    expect(verdict(f"baseline={path}", "many", "1000") == (0, [], False), "nothing", "more")
    with open(name, "w") as file:
        file.write("allocations many\n")
    expect(verdict(f"baseline={path}", "many", "1000")[:2] ==
           (99, [f"tarn: baseline: {name} is no baseline; it is left alone"]), "a line",
           verdict(f"baseline={path}", "many", "1000"))
    with open(name) as file:
        expect(file.read() == "allocations many\n", "the file as it was", "another")
result = run(LIBRARY, SUBJECT, "many", TARN="baseline=/nowhere/file")
expect(result.returncode == 0 and "/nowhere/file" in result.stderr, "a line", result.stderr)

# A trace of its own has its report once.
result = run(LIBRARY, SUBJECT, "many", TARN="trace,trace_file=/dev/null,limit_allocs=1")
expect(result.stderr.count("TRACE SUMMARY") == 1 and result.returncode == 99, "one report",
       result.stderr)
