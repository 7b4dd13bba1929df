#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: a state file has what the report at the end has of the program's tags, budgets, limits and
# frames, and of what was in use over time; also in a child that goes on with its parent's, and when
# the process was killed. Tags are labels of the profile, and apart in what has grown.

import csv
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))

from state import Running, expect, run, state_of, tell  # noqa: E402

LIBRARY, COMMAND, MARKS, TIME = map(os.path.abspath, sys.argv[1:5])


def part(text, start, end):
    """From a title to before another one, without the number of the process."""
    text = re.sub(r"==\d+== ", "", text)
    expect(start in text, start, text)
    return start + re.split(end, text.split(start, 1)[1])[0]


DURATION = re.compile(r"(\d+(?:\.\d+)?) (ns|us|ms|s)\b")


def same_but_for_durations(one, other):
    """The rate of the processor's clock is measured anew by each reader: the last digit may differ."""
    units = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1}
    times = [[float(number) * units[unit] for number, unit in DURATION.findall(text)]
             for text in (one, other)]
    words = [DURATION.sub("*", re.sub("  +", "  ", text)) for text in (one, other)]
    return words[0] == words[1] and len(times[0]) == len(times[1]) > 0 and \
        all(abs(a - b) <= 0.11 * a for a, b in zip(*times))


with tempfile.TemporaryDirectory() as directory:
    def reports(*command):
        result = run(LIBRARY, *command,
                     TARN=f"trace,trace_file=/dev/null,state={directory}/state")
        return result.stderr, *state_of(COMMAND, f"{directory}/state")

    for subject in ("tags", "2"), ("budget",), ("limit",):
        at_end, text, profile = reports(MARKS, *subject)
        marks = "Tags, each with all that is inside it:"
        tags = part(text, marks, "\nPlaces"), part(at_end, marks, "\nPlaces")
        expect(tags[0] == tags[1], tags[1], tags[0])
        if subject[0] == "tags":
            seen = profile.tagged("render::textures", "alloc_objects")
            expect(seen == 10, "labels in the profile", profile.tags)
            expect("; tagged render::textures\n" in text, "the tags of places", text)
            os.rename(f"{directory}/state", f"{directory}/before")
    reports(MARKS, "tags", "4")
    _, text, errors = tell(COMMAND, "diff", f"{directory}/before", f"{directory}/state")
    expect(errors == "" and " more, tagged render::textures\n" in text and
           " more, tagged render\n" in text, "what has grown by tag", text)

    at_end, text, _ = reports(MARKS, "frames", "3")
    frames = part(text, "Frames: ", "\n\n|Places"), part(at_end, "Frames: ", "\n\n|Places")
    expect(same_but_for_durations(*frames), frames[1], frames[0])

    at_end, text, _ = reports(TIME, "grow", "1")
    expect("it grew steadily to the end" in at_end and "it grew steadily to the end" in text,
           "growth", text)
    status, _, errors = tell(COMMAND, "state", f"--timeline={directory}/csv", f"{directory}/state")
    with open(f"{directory}/csv") as file:
        _, *lines = csv.reader(file)
    totals = re.search(r"  (\d+) allocations .* (\d+) frees", text).groups()
    expect((status, errors) == (0, "") and (lines[-1][4], lines[-1][6]) == totals and
           64 <= len(lines) <= 513, totals, lines[-1])
    seconds = [float(line[0]) for line in lines]
    expect(0.4 < seconds[-1] < 60 and seconds == sorted(seconds), "the program's time", seconds)
