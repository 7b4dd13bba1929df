#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: a trace says exactly how many blocks and bytes each place has allocated, how many of them
# in passing, how many were in use at the peak and at the end, with any number of threads; and what
# these blocks are like: sizes, lifetimes, threads, what realloc does and what rounding takes.

import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "abi"))

from preload import expect, run  # noqa: E402  (found by way of the line above)
from profile import Profile  # noqa: E402

LIBRARY, SUBJECT = sys.argv[1:3]

# Place: allocations, bytes, blocks and bytes at the end, of one thread.
PLACES = {
    "in_passing": (1000, 100000, 0, 0),
    "together": (50, 50000, 0, 0),
    "kept": (7, 448, 7, 448),
    "grown": (2, 210, 0, 0),
    "rounded": (3, 3075, 3, 3075),
    "of_size": (305, sum(33 + i % 32 for i in range(300)) + 25000, 0, 0),
    "of_some_time": (200, 20000, 0, 0),
    "growing": (101, 100 * 101 * 51, 0, 0),
    "in_place": (51, 1 + 3 * 136 + 3, 0, 0),
}


def room(size):
    """Of a block: multiples of 16 bytes up to 256, then eight sizes in each doubling."""
    step = 16 if size <= 256 else 2 ** ((size - 1).bit_length() - 4)
    return -(-size // step) * step


def copied(sizes):
    """By realloc, which leaves a block where it is as long as there is room."""
    total, has = 0, room(sizes[0])
    for size in sizes[1:]:
        if size > has:
            total, has = total + has, room(size)
    return total


def in_nanoseconds(time):
    number, unit = time.split()
    return float(number) * {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}[unit]


def details(text):
    """Line about the blocks: of each function, in a list of places."""
    found = {}
    for entry in re.split(r"==\d+== \d+\. ", text)[1:]:
        lines = entry.split("\n")
        function = re.sub(r".*::", "", lines[2].split("(anonymous namespace)")[-1]).strip().split("(")[0]
        found.setdefault(function, lines[1].split("==    ")[1])
    return found


def check_details(text, threads):
    lines = details(text.split("Places that allocate most often:")[1].split("Places")[0])
    by = "; by 4 threads" if threads == 4 else ""
    expect(re.fullmatch(rf"100 bytes each; lived [^;]*{by}", lines["in_passing"]),
           "one size and a lifetime", lines["in_passing"])
    # A compiler may make seven calls of the loop.
    expect(lines["kept"] in ("64 bytes", "64 bytes each" + by), "nothing about lifetimes",
           lines["kept"])
    expect(lines["of_size"].startswith("33 to 5000 bytes, mostly 33 to 64; lived "), "two ranges",
           lines["of_size"])
    longest = re.fullmatch(rf"100 bytes each; lived up to (\d[^,]*), half of them less than "
                           rf"(\d+[^;]*){by}", lines["of_some_time"])
    expect(longest and in_nanoseconds(longest[1]) >= 30e6 > in_nanoseconds(longest[2]),
           "one that lived for 30 ms or more", lines["of_some_time"])
    resized = details(text.split("Places that resize blocks by realloc most often:")[1]
                      .split("Places that could do with less")[0])
    expect(list(resized) == ["growing", "in_place"], "two places that resize", resized)
    expect(f"{100 * threads} reallocs copied " in text, "a hundred of each thread", text)
    expect(f"{50 * threads} reallocs without a copy, of {50 * threads} allocations" in text,
           "fifty that copied nothing", text)

with tempfile.TemporaryDirectory() as directory:
    for threads in 1, 4:
        path = f"{directory}/{threads}.pb.gz"
        result = run(LIBRARY, SUBJECT, str(threads), TARN=f"trace,trace_max=30,trace_file={path}")
        expect(result.returncode == 0, "the program's own status", result.returncode)
        expect(f"profile in {path}" in result.stderr, "where the profile is", result.stderr)
        profile = Profile(path)
        expect(profile.types == ["alloc_objects", "alloc_space", "inuse_objects", "inuse_space",
                                 "peak_objects", "peak_space", "temporary_objects",
                                 "freed_elsewhere_objects", "reallocs", "realloc_copied",
                                 "inuse_rounding", "peak_rounding"], "twelve kinds of values",
               profile.types)
        expect(profile.default == "peak_space", "the peak first", profile.default)
        expect(profile.mappings[0][0] == os.path.realpath(SUBJECT), "the program first",
               profile.mappings)
        for place, kind, wanted in (
                ("in_passing", "temporary_objects", 1000), ("together", "temporary_objects", 1),
                ("kept", "freed_elsewhere_objects", 0), ("together", "freed_elsewhere_objects", 0),
                ("grown", "freed_elsewhere_objects", 1 if threads > 1 else 0),
                ("grown", "reallocs", 1), ("grown", "realloc_copied", 16),
                ("growing", "reallocs", 100), ("in_place", "reallocs", 50),
                ("growing", "realloc_copied", copied([100 * i for i in range(1, 102)])),
                ("in_place", "realloc_copied", 0), ("kept", "inuse_rounding", 0),
                ("rounded", "inuse_rounding", 3 * (room(1025) - 1025)),
                ("together", "inuse_rounding", 0)):
            seen = profile.below(f"::{place}(", kind)
            expect(seen == wanted * threads, f"{wanted * threads} {kind} of {place}", seen)
        for place, (blocks, size, live_blocks, live_bytes) in PLACES.items():
            for kind, wanted in zip(profile.types, (blocks, size, live_blocks, live_bytes)):
                seen = profile.below(f"::{place}(", kind)
                expect(seen == wanted * threads, f"{wanted * threads} {kind} of {place}", seen)
        # All of one thread's were in use together, of which the last peak is within a percent or
        # 4 KiB.
        # While a peak is noted other threads go on, so that its figures are a moment apart.
        rounding = profile.below("::together(", "peak_rounding")
        wanted = profile.below("::together(", "peak_objects") * (room(1000) - 1000)
        expect(threads > 1 or rounding == wanted, f"{wanted} bytes of rounding", rounding)
        peak = profile.below("::together(", "peak_space")
        expect(peak >= 44000, "45 of 50 blocks at the peak", peak)
        for calls in (calls for _, calls in profile.samples if any("::work(" in c for c in calls)):
            outer = "main" if threads == 1 else "(anonymous namespace)::run(void*)"
            expect(calls[calls.index("(anonymous namespace)::work(unsigned long)") + 1] == outer,
                   f"{outer} above work", calls)

        text = result.stderr
        allocations, temporary = re.search(r"(\d+) allocations of .*; ([\d.]+)% of the blocks were "
                                           "freed before", text).groups()
        expect(int(allocations) == profile.total("alloc_objects"), "the same number in both", text)
        share = 100 * profile.total("temporary_objects") / int(allocations)
        expect(abs(float(temporary) - share) < 0.2, f"{share}% of them temporary", text)
        check_details(text, threads)
        places = text.split("Places that allocate most often what is freed")[1].split("Places")[0]
        expect(re.search(rf"1\. {1000 * threads} blocks, 100.0% of its {1000 * threads} allocations",
                         places) and "in_passing" in places, "in_passing as the first", places)
        advice = text.split("Places that could do with less")[1]
        expect(re.search(rf"1\. buffer: {1000 * threads} blocks of at most 100 B ", advice) and
               "in_passing" in advice, "a buffer for in_passing", advice)
        expect("Places that hold the most at the end" in text, "the last list", text)

# A file that cannot be written costs the file, not the report.
result = run(LIBRARY, SUBJECT, "1", TARN="trace,trace_file=/nowhere/profile")
expect("tarn: no profile: /nowhere/profile: No such file" in result.stderr and
       "TRACE SUMMARY" in result.stderr, "a line about the file, and the report", result.stderr)
result = run(LIBRARY, SUBJECT, "1", TARN="trace,symbolizer=/nowhere")
expect("no names and no profile: there is no tarn command" in result.stderr and
       "1000 allocations" in result.stderr, "the report without names", result.stderr)
