#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: a program that calls LeakSanitizer's interface gets from tarn what it expects.

import sys

from report import blocks, expect, run

LIBRARY, SUBJECT = sys.argv[1:3]

# What is called: exit status, output, lost blocks that the last report counts (None: no report).
CASES = {
    "check": (23, "", 2),
    "recoverable": (23, "0 1\n", 2),
    "ignore": (0, "", None),
    "disable": (0, "", None),
    "enabled_again": (23, "", 2),
    "root_region": (0, "", None),
    "unregistered": (23, "", 2),
}

for what, (status, output, lost) in CASES.items():
    result = run(LIBRARY, SUBJECT, what, TARN="leaks")
    expect((result.returncode, result.stdout) == (status, output), f"{status} {output!r} of {what}",
           f"{result.returncode} {result.stdout!r} {result.stderr}")
    if lost is None:
        expect(result.stderr == "", f"silence of {what}", result.stderr)
    else:
        found = blocks(result.stderr, what)
        expect(found["definite"] + found["indirect"] == lost, f"{lost} lost by {what}", found)

# Without leaks=on nothing happens.
for what in CASES:
    result = run(LIBRARY, SUBJECT, what)
    expect((result.returncode, result.stderr) == (0, ""), f"nothing from {what}", result)
