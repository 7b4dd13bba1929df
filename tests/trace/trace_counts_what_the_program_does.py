#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: a trace says exactly how many blocks and bytes each place has allocated, how many of them
# in passing, how many were in use at the peak and at the end, with any number of threads.

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
}

with tempfile.TemporaryDirectory() as directory:
    for threads in 1, 4:
        path = f"{directory}/{threads}.pb.gz"
        result = run(LIBRARY, SUBJECT, str(threads), TARN=f"trace,trace_max=3,trace_file={path}")
        expect(result.returncode == 0, "the program's own status", result.returncode)
        expect(f"profile in {path}" in result.stderr, "where the profile is", result.stderr)
        profile = Profile(path)
        expect(profile.types == ["alloc_objects", "alloc_space", "inuse_objects", "inuse_space",
                                 "peak_objects", "peak_space"], "six kinds of values", profile.types)
        expect(profile.default == "peak_space", "the peak first", profile.default)
        expect(profile.mappings[0][0] == os.path.realpath(SUBJECT), "the program first",
               profile.mappings)
        for place, (blocks, size, live_blocks, live_bytes) in PLACES.items():
            for kind, wanted in zip(profile.types, (blocks, size, live_blocks, live_bytes)):
                seen = profile.below(f"::{place}(", kind)
                expect(seen == wanted * threads, f"{wanted * threads} {kind} of {place}", seen)
        # All of one thread's were in use together, of which the last peak is within a percent or
        # 4 KiB.
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
        expect(abs(float(temporary) - 100 * 1000 * threads / int(allocations)) < 5,
               "a thousand temporary ones of each thread", text)
        places = text.split("Places that allocate most often what is freed")[1].split("Places")[0]
        expect(re.search(rf"1\. {1000 * threads} blocks, 100.0% of its {1000 * threads} allocations",
                         places) and "in_passing" in places, "in_passing as the first", places)
        expect("Places that hold the most at the end" in text, "the last list", text)

# A file that cannot be written costs the file, not the report.
result = run(LIBRARY, SUBJECT, "1", TARN="trace,trace_file=/nowhere/profile")
expect("tarn: no profile: /nowhere/profile: No such file" in result.stderr and
       "TRACE SUMMARY" in result.stderr, "a line about the file, and the report", result.stderr)
result = run(LIBRARY, SUBJECT, "1", TARN="trace,symbolizer=/nowhere")
expect("no names and no profile: there is no tarn command" in result.stderr and
       "1000 allocations" in result.stderr, "the report without names", result.stderr)
