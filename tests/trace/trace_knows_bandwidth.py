#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: what a program tells of bytes moved is added up exactly, by whichever threads, in the report
# of a trace, of a sample and of a state file, with its rate and where that was highest, and in the
# series of timeline=; and it is said that the program told so.

import csv
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))

from state import expect, run, tell  # noqa: E402

LIBRARY, SUBJECT, COMMAND = sys.argv[1:4]
LINE = re.compile(r"== +(read|written): (\S+ \S+), (\S+) (\S+)/s on average, "
                  r"at most (\S+) (\S+)/s, for \S+ \S+ from (?:the start|\S+ \S+) on\n")
UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20}


def check(text, threads):
    expect("Bytes moved, as the program itself tells by tarn_bandwidth(); not measured:\n" in text,
           "whose figures these are", text)
    seen = {line[0]: line[1:] for line in LINE.findall(text)}
    for name, step in ("read", 3000), ("written", 1000):
        total, mean, mean_unit, most, most_unit = seen[name]
        wanted = threads * step * (200 + 100 * 10)
        number, unit = total.split()
        expect(abs(float(number) * UNITS[unit] / wanted - 1) < 0.05, f"{wanted} bytes", seen)
        expect(2 < float(most) * UNITS[most_unit] / (float(mean) * UNITS[mean_unit]) < 40,
               "more at the end", seen)


with tempfile.TemporaryDirectory() as directory:
    for options, threads in ("trace", 1), ("trace", 4), ("profile", 2):
        result = run(LIBRARY, SUBJECT, "move", str(threads),
                     TARN=f"{options},symbolizer=/nowhere,timeline={directory}/csv,"
                          f"state={directory}/state")
        check(result.stderr, threads)
        status, text, errors = tell(COMMAND, "state", f"{directory}/state")
        expect((status, errors) == (0, ""), "a report", errors)
        check(text, threads)
        with open(f"{directory}/csv") as file:
            lines = list(csv.DictReader(file))
        last = lines[-1]
        expect((int(last["told_read_bytes"]), int(last["told_written_bytes"])) ==
               (threads * 3600000, threads * 1200000), "exact totals", last)
        expect(len(lines) >= 64, "points though nothing is allocated", len(lines))

result = run(LIBRARY, SUBJECT, "frames", "1", TARN="trace,symbolizer=/nowhere")
expect("Bytes moved" not in result.stderr, "nothing of what was not told", result.stderr)
