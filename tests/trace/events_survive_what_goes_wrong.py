#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: of events=FILE, what is missing is said in a line, and the rest is used: of a program that
# was killed, of a file that is full, damaged or cut off, or that another process has begun anew.
# Where nothing can be written, the program runs on.

import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "abi"))

from preload import expect, run, run_well  # noqa: E402  (found by way of the line above)
from events import record, summary  # noqa: E402  (beside this file)

LIBRARY, TARN, SUBJECT = map(os.path.abspath, sys.argv[1:4])
NO_ORDER = "the program has not ended in order"
PERL = "/usr/bin/perl", "-e", "push @a, [1..9] for 1..50000"

with tempfile.TemporaryDirectory() as directory:
    FILE = os.path.join(directory, "events")

    # Killed: all but the last 64 KiB.
    result = record(LIBRARY, FILE, SUBJECT, "killed")
    expect(result.returncode == -9, "death by SIGKILL", result)
    text, allocations, _, _ = summary(TARN, FILE)
    expect(20000 < allocations <= 41000 and NO_ORDER in text, "most of 40000", text)

    # Full.
    result = record(LIBRARY, FILE, *PERL, options=",events_max=128k")
    expect("; then events_max=128 KiB was reached, and later ones are missing\n" in result.stderr,
           "a line", result.stderr)
    text, allocations, _, _ = summary(TARN, FILE)
    expect(os.path.getsize(FILE) < 129 * 1024 and allocations > 20000 and
           "events_max was reached: later events are missing\n" in text, "what has found room", text)

    # A child that becomes another program, under the same name.
    result = record(LIBRARY, FILE, SUBJECT, "again")
    lines = [line for line in result.stderr.splitlines() if " events of " in line]
    expect(len(lines) == 2 and lines[0].endswith("B") and lines[1].endswith(
        "; then it was removed, or another process wrote to it (%p in its name keeps them apart)"),
        "two lines", result.stderr)
    text, allocations, _, _ = summary(TARN, FILE)
    expect(allocations < 100 and text.count("\n") == 5, "the other program's file", text)

    # Damaged.
    record(LIBRARY, FILE, SUBJECT, "handed")
    with open(FILE, "rb") as file:
        whole = file.read()
    broken = os.path.join(directory, "broken")
    most = 0
    for size in [97, 100, 128, 129, 200, *range(1000, len(whole), 9973), len(whole) - 1]:
        with open(broken, "wb") as file:
            file.write(whole[:size])
        text, allocations, _, _ = summary(TARN, broken)
        expect(NO_ORDER in text or size == len(whole) - 1, "what is missing", text)
        expect("damaged from byte " in text, "where it is damaged", f"{size}: {text}")
        expect(allocations >= most, "what comes before it", text)
        most = allocations
    for at in range(96, len(whole), 4999):
        with open(broken, "wb") as file:
            file.write(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1:])
        summary(TARN, broken)
    run(None, TARN, "replay", broken)
    for text in b"", b"tarn", whole[:95], whole[:8] + b"\x02" + whole[9:]:
        with open(broken, "wb") as file:
            file.write(text)
        for command in "events", "replay":
            result = run(None, TARN, command, broken)
            expect(result.returncode == 1 and result.stderr.startswith(f"tarn: {broken}: ") and
                   result.stderr.count("\n") == 1, "one line", result)

    # Where it cannot be written.
    result = record(LIBRARY, FILE, "/bin/true", options="/no/such/folder")
    expect(result.returncode == 0 and result.stderr.count("events/no/such/folder") == 1,
           "one line", result.stderr)
    result = run(LIBRARY, *PERL, TARN="trace,events=/dev/full,trace_file=/dev/null")
    expect(result.returncode == 0 and result.stderr.count(
        "/dev/full, 0 B; then it could not be written: No space left on device\n") == 1,
        "one line", result.stderr)
