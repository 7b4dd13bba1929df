#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: a program that calls LeakSanitizer's interface gets from tarn what it expects.

import sys

from report import blocks, expect, run

LIBRARY, SUBJECT, *DEFAULTS = sys.argv[1:]

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

def check(subject, what, status, output, lost):
    """The standard error of a run under leaks, which ends and reports as it should."""
    result = run(LIBRARY, subject, what, TARN="leaks")
    expect((result.returncode, result.stdout) == (status, output), f"{status} {output!r} of {what}",
           f"{result.returncode} {result.stdout!r} {result.stderr}")
    if lost is None:
        expect(result.stderr == "", f"silence of {what}", result.stderr)
    else:
        found = blocks(result.stderr, what)
        expect(found["definite"] + found["indirect"] == lost, f"{lost} lost by {what}", found)
    return result.stderr


for what, (status, output, lost) in CASES.items():
    check(SUBJECT, what, status, output, lost)

# Without leaks=on nothing happens.
for what in CASES:
    result = run(LIBRARY, SUBJECT, what)
    expect((result.returncode, result.stderr) == (0, ""), f"nothing from {what}", result)

# What the program itself defines: exit status, output, lost blocks, and what it is told.
OWN = {
    "": (23, "", 2, ""),
    "suppress": (23, "", 1, ""),
    "no_newline": (23, "", 1, ""),
    "wrong": (23, "", 1, "tarn: __lsan_default_suppressions(): line 2: neither leak:PATTERN nor"),
    "off": (0, "", None, ""),
    "off_but_asked": (0, "1\n", 2, ""),
}
for subject in DEFAULTS:
    for what, (status, output, lost, complaint) in OWN.items():
        told = check(subject, what, status, output, lost)
        expect(complaint in told, complaint, told)
        if not complaint:
            expect("tarn: __lsan" not in told, "no complaint", told)
