#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: a trace shows what was in use over time, how fast it was allocated and freed, and whether
# it grew to the end; timeline= writes the same as a series whose last line is exact.

import csv
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "abi"))

from preload import expect, run  # noqa: E402  (found by way of the line above)

LIBRARY, SUBJECT = sys.argv[1:3]
NAMES = ["seconds", "live_bytes", "live_blocks", "allocated_bytes", "allocated_blocks",
         "freed_bytes", "freed_blocks", "told_read_bytes", "told_written_bytes"]
STEPS, SIZE, OTHERS = 400, 4000, 64 * 400
SENTENCES = {
    "grow": r"it grew steadily to the end: from .* to .* in the second half, by .*/s",
    "hold": r"it did not grow in the second half: about .* to the end",
    "swing": r"it was between \S+ \S+ and \S+ \S+ in the second half",
}


def chart(text):
    """Rows of the chart, the highest first, and what the first one stands for."""
    block = text.split("In use over time")[1].split("allocated:")[0]
    rows = [line.split("|", 1)[1] for line in block.split("\n") if "|" in line]
    return rows, re.search(r"== *([\d.]+ \w+) \|", block)[1]


def check_chart(how, threads, rows, top):
    expect(len(rows) == 6 and all(len(row) <= 64 for row in rows), "six rows", rows)
    if how == "grow":
        lengths = [row.count("#") for row in rows]
        expect(lengths == sorted(lengths) and lengths[0] <= 32, "stairs", rows)
    if how == "hold":
        expect(all("#" * 32 in row[24:] for row in rows), "the same to the end", rows)
    if how == "swing":
        expect(any(len(re.findall("#+", row)) >= 3 for row in rows), "hills", rows)
    if how != "swing":
        kibibytes = float(top.split()[0]) * {"KiB": 1, "MiB": 1024}[top.split()[1]]
        most = threads * STEPS * SIZE / 1024
        expect(abs(kibibytes - most) <= most / 20, f"{most} KiB at the top", top)


with tempfile.TemporaryDirectory() as directory:
    for how, threads in ("grow", 1), ("hold", 1), ("swing", 1), ("grow", 4):
        path = f"{directory}/%e.csv"
        result = run(LIBRARY, SUBJECT, how, str(threads),
                     TARN=f"trace,symbolizer=/nowhere,timeline={path}")
        expect(result.returncode == 0, "the program's own status", result.returncode)
        expect(re.search(SENTENCES[how], result.stderr), SENTENCES[how], result.stderr)
        check_chart(how, threads, *chart(result.stderr))
        expect(re.search(r"allocated: .*/s on average, at most .*/s, for \S+ \S+ from .* on\n.*freed: ",
                         result.stderr), "how fast", result.stderr)

        with open(f"{directory}/{os.path.basename(SUBJECT)}.csv") as file:
            names, *lines = csv.reader(file)
        expect(names == NAMES, NAMES, names)
        rows = [dict(zip(names, map(float, line))) for line in lines]
        expect(64 <= len(rows) <= 513, "64 to 513 points", len(rows))
        first, last = rows[0], rows[-1]
        expect(first["seconds"] == 0 and last["seconds"] > STEPS / 1000, "all of the time", last)
        for before, after in zip(rows, rows[1:]):
            for name in "seconds", "allocated_bytes", "allocated_blocks", "freed_bytes", "freed_blocks":
                expect(before[name] <= after[name], f"{name} that never falls", (before, after))
            for unit in "bytes", "blocks":
                live = after[f"allocated_{unit}"] - after[f"freed_{unit}"]
                expect(live == after[f"live_{unit}"], "the difference of both", after)
        blocks = {"grow": STEPS, "hold": STEPS + STEPS * 9 // 10, "swing": STEPS}[how]
        expect(last["allocated_blocks"] >= threads * (blocks + OTHERS) and
               last["allocated_bytes"] >= threads * (blocks * SIZE + 10 * OTHERS) and
               last["allocated_blocks"] <= threads * (blocks + OTHERS) + 10, "exact totals", last)
        kept = {"grow": STEPS, "hold": STEPS, "swing": 0}[how]
        expect(0 <= last["live_blocks"] - threads * kept <= 10, f"{threads * kept} blocks", last)

# A sample knows it about.
result = run(LIBRARY, SUBJECT, "grow", "1", TARN="profile,sample=16k,symbolizer=/nowhere")
expect("it grew steadily to the end" in result.stderr, "growth in a sample", result.stderr)

result = run(LIBRARY, SUBJECT, "grow", "1", TARN="trace,symbolizer=/nowhere,timeline=/nowhere/x")
expect("tarn: cannot write '/nowhere/x': No such file" in result.stderr and
       "it grew steadily" in result.stderr, "a line about the file, and the report", result.stderr)
