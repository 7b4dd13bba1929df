#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: events=FILE has every call, in an order in which a block is allocated before it is freed,
# whoever does it; as many as the trace counts; of this process and not of its children; with checks
# and a state file, too. Replayed, the calls have the same peak.

import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "abi"))

from preload import expect, run_well  # noqa: E402  (found by way of the line above)
from events import record, summary  # noqa: E402  (beside this file)

LIBRARY, TARN, SUBJECT = map(os.path.abspath, sys.argv[1:4])

with tempfile.TemporaryDirectory() as directory:
    FILE = os.path.join(directory, "events")

    def calls():
        """[(thread, name, size)], the block's for a free."""
        sizes, found = {}, []
        for line in run_well(None, TARN, "events", "--text", FILE).stdout.splitlines():
            _, thread, name, *rest = line.split()
            size = None
            if name != "free":
                size = int(rest[rest.index("=") - 1])
            if name in ("free", "realloc"):
                expect(rest[0] in sizes, "a block that is known", line)
                size = size or sizes[rest[0]]
                del sizes[rest[0]]
            if name != "free":
                block = rest[rest.index("=") + 1]
                expect(block not in sizes, "a block that is free", line)
                sizes[block] = size
            found.append((int(thread), name, size))
        return found

    def count(found, *wanted):
        return sum(1 for _, *call in found if call == list(wanted))

    # What it does, and what the trace says of it.
    for options in "", ",debug", ",state=tables":
        result = record(LIBRARY, FILE, SUBJECT, "known", options=options)
        found = calls()
        seen = [count(found, *call) for call in (
            ("malloc", 100003), ("free", 100003), ("malloc", 1009), ("realloc", 1013),
            ("realloc", 5003), ("free", 5003), ("aligned_alloc", 5632), ("malloc", 3693))]
        expect(seen == [10, 7, 5, 5, 5, 5, 4, 1], "the known calls", (options, seen))
        text, allocations, reallocs, frees = summary(TARN, FILE)
        expect(f"{allocations + reallocs} allocations of" in result.stderr and
               f", {frees + reallocs} frees;" in result.stderr, "the trace's totals",
               f"{text} {result.stderr}")
        expect(text.count("\n") == 5, "nothing missing", text)
        expect(re.search(r"tarn: \d+ events of 1 thread\(s\) are in .*/events, \d\S* K?i?B\n",
                         result.stderr), "a line about the file", result.stderr)

    # The same peak.
    most = int(re.search(r"most in use  (\d+) bytes", text)[1])
    expect(1000030 <= most < 1200000, "a peak of ten blocks", text)
    for preloaded in None, LIBRARY:
        again = run_well(preloaded, TARN, "replay", FILE).stdout
        expect(f" bytes for {most} bytes in use\n" in again, f"a peak of {most}", again)
        expect(again.startswith(f"{allocations + reallocs + frees} calls in "), "all calls", again)

    # Another thread frees.
    record(LIBRARY, FILE, SUBJECT, "handed")
    found = calls()
    makers = {thread for thread, *call in found if call == ["malloc", 777]}
    takers = {thread for thread, *call in found if call == ["free", 777]}
    expect((count(found, "malloc", 777), count(found, "free", 777)) == (20000, 20000),
           "20000 of each", len(found))
    expect(len(makers) == 1 and len(takers) == 1 and makers != takers, "two threads", makers)
    expect(re.search(r"^thread 2  \d+ alloc", summary(TARN, FILE)[0], re.MULTILINE), "both", summary(TARN, FILE)[0])

    # A child has nothing to add.
    for how in "child", "bare_child":
        record(LIBRARY, FILE, SUBJECT, how)
        expect(count(calls(), "malloc", 777) == 3, f"calls of the parent of a {how}",
               summary(TARN, FILE)[0])
