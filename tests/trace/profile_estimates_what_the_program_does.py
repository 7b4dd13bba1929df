#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: what a profile says of a place is, but for chance, what the place has done: within six
# standard deviations of its sample for each place, in any pattern, with any number of threads. A
# leak report of a sample is exact but for the stacks.

import math
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "abi"))

from preload import expect, run  # noqa: E402  (found by way of the line above)
from profile import Profile  # noqa: E402

LIBRARY, SUBJECT = sys.argv[1:3]
ROUNDS = 100000

# Place: its blocks' size, their size class, rounds per block.
PLACES = {
    "at_once": (40, 48, 1),
    "first": (40, 48, 1),
    "second": (40, 48, 1),
    "medium": (3000, 3072, 10),
    "run": (200000, 212992, 100),
    "large": (3000000, 3000000, 1000),
    "lost": (1000, 1024, 10),
}


def check(place, kind, seen, count, size, chance, period):
    probability = -math.expm1(-chance / period)
    deviation = math.sqrt(count * (1 - probability) / probability + count / 4)
    expect(abs(seen / size - count) <= 6 * deviation + 1,
           f"{count} blocks of {place}, {kind}, within six times {deviation:.0f}", seen / size)


with tempfile.TemporaryDirectory() as directory:
    for threads in 1, 4:
        for option, period in ("profile", 512 << 10), ("profile,sample=16k", 16 << 10), \
                ("trace,sample=64k", 64 << 10):
            path = f"{directory}/{threads}.pb.gz"
            result = run(LIBRARY, SUBJECT, str(threads), str(ROUNDS),
                         TARN=f"{option},trace_file={path}")
            expect(result.returncode == 0, "the program's own status", result.returncode)
            text = result.stderr
            expect(re.search(r"estimated from \d+ samples, one in ", text), "that it is estimated",
                   text)
            profile = Profile(path)
            expect(profile.period == period, "the period", profile.period)
            for place, (size, chance, rounds) in PLACES.items():
                count = threads * ROUNDS // rounds
                for kind, unit in ("alloc_objects", 1), ("alloc_space", size):
                    check(place, kind, profile.below(f"::{place}(", kind), count, unit, chance,
                          period)
                live = count if place == "lost" else 0
                for kind, unit in ("inuse_objects", 1), ("inuse_space", size):
                    check(place, kind, profile.below(f"::{place}(", kind), live, unit, chance,
                          period)
            samples = re.search(r"from (\d+) samples", text).group(1)
            whole = sum(size * threads * ROUNDS // rounds / period
                        for size, _, rounds in PLACES.values())
            expect(int(samples) < 2 * whole + 100, f"hardly more than {whole:.0f} samples", samples)

    # Lost blocks of a sample have a stack; of all, their number is exact.
    result = run(LIBRARY, SUBJECT, "1", str(ROUNDS), TARN="leaks,sample=16k")
    expect(result.returncode == 23, "the status of a leak", result.returncode)
    lost = ROUNDS // 10
    found = int(re.search(r"leaked in (\d+) allocation", result.stderr).group(1))
    expect(lost - 3 <= found <= lost, "each lost block, but what a register may still know", found)
    sampled = re.search(r"in (\d+) object\(s\) allocated from:\n.*::lost\(", result.stderr)
    expect(sampled, "a stack of those in the sample", result.stderr)
    check("lost", "with a stack", int(sampled.group(1)) / -math.expm1(-1024 / (16 << 10)), lost, 1,
          1024, 16 << 10)
    expect("Stacks are known of a sample, of one block in 16.0 KiB" in result.stderr,
           "that the others have none", result.stderr)
