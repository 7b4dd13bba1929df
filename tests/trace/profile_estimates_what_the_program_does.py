#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: what a profile says of a place is, but for chance, what the place has done, in any
# pattern, with any number of threads. A leak report of a sample is exact but for the stacks.
#
# How much chance may do: a block of n bytes is in the sample with the probability
# p = 1 - exp(-n / period), each for itself, so that the sample of a place is binomial; each block in
# it counts as 1 / p, rounded up or down at random. Both are bounded so that each way to be outside
# has a probability of 1e-9 at most (Chernoff's bound: at least a of n with the probability
# exp(-n KL(a/n, p)) at most). A run makes some 170 comparisons with four ways each: one run in a
# million may fail by chance. Standard deviations would not do: a place with nine samples is five or
# six of them off a thousand times as often as a normal distribution.

import bisect
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

ALARM = 1e-9

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


def divergence(a, n, p, q):
    """n KL(a/n, p), q being 1 - p."""
    return sum(part * math.log(part / (n * share)) for part, share in ((a, p), (n - a, q)) if part)


def successes(n, p, q):
    """The least and the most successes of n that chance alone may bring."""
    if n == 0 or p == 0 or q == 0:
        return (0, 0) if p == 0 else (n, n)
    mean, most = math.floor(n * p), -math.log(ALARM)
    least = bisect.bisect_left(range(mean + 1), -most, key=lambda a: -divergence(a, n, p, q))
    above = bisect.bisect_right(range(mean + 1, n + 1), most,
                                key=lambda a: divergence(a, n, p, q))
    return least, mean + above


def check(place, kind, seen, count, size, chance, period):
    p, q = -math.expm1(-chance / period), math.exp(-chance / period)
    least, most = successes(count, p, q)
    whole, part = divmod(1 / p, 1)
    least = least * whole + successes(least, part, 1 - part)[0]
    most = most * whole + successes(most, part, 1 - part)[1]
    expect(least <= seen / size <= most,
           f"{count} blocks of {place}, {kind}, or {least:.0f} to {most:.0f} by chance", seen / size)


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
            samples = int(re.search(r"from (\d+) samples", text).group(1))
            # libc's own blocks are a few.
            bounds = [successes(threads * ROUNDS // rounds, -math.expm1(-chance / period),
                                math.exp(-chance / period)) for _, chance, rounds in PLACES.values()]
            least, most = (sum(bound) for bound in zip(*bounds))
            expect(least <= samples <= most + 20, f"{least} to {most} samples", samples)

    # Lost blocks of a sample have a stack; of all, their number is exact.
    result = run(LIBRARY, SUBJECT, "1", str(ROUNDS), TARN="leaks,sample=16k")
    expect(result.returncode == 23, "the status of a leak", result.returncode)
    lost = ROUNDS // 10
    found = int(re.search(r"leaked in (\d+) allocation", result.stderr).group(1))
    expect(found == lost, f"{lost} lost blocks", found)
    sampled = re.search(r"in (\d+) object\(s\) allocated from:\n.*::lost\(", result.stderr)
    expect(sampled, "a stack of those in the sample", result.stderr)
    chance = 1024 / (16 << 10)
    least, most = successes(lost, -math.expm1(-chance), math.exp(-chance))
    expect(least <= int(sampled.group(1)) <= most, f"{least} to {most} with a stack", sampled.group(1))
    expect("Stacks are known of a sample, of one block in 16.0 KiB" in result.stderr,
           "that the others have none", result.stderr)
