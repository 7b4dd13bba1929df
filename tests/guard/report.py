# SPDX-License-Identifier: MIT
#
# What the tests of this folder share: run a subject with guards and read the report.

import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "abi"))

from preload import expect, run  # noqa: E402  (found by way of the line above)

FRAME = re.compile(r"    #\d+ 0x[0-9a-f]+ in (?:\(anonymous namespace\)::)?(\w+)\S*.* \S+:\d+")


def stacks(text):
    """The stacks of a report by what they are of: {"access" | "freed" | "allocated": functions}."""
    found = {}
    current = None
    for line in text.splitlines():
        if line.startswith(("READ", "WRITE", "JUMP", "ACCESS", "Register", "Memory at")):
            current = found.setdefault("access", [])
        elif line.startswith("freed by"):
            current = found.setdefault("freed", [])
        elif "allocated by" in line:
            current = found.setdefault("allocated", [])
        elif match := FRAME.match(line):
            if current is not None:
                current.append(match[1])
    return found


def expect_stop(result, error, access, position, case):
    """The program has died of the fault itself, and the report says all of that."""
    text = result.stderr
    expect(result.returncode == -signal.SIGSEGV, f"death by SIGSEGV for {case}",
           f"{result.returncode}, {text[-500:]!r}")
    expect(f"ERROR: AddressSanitizer: {error}" in text, f"{error} for {case}", repr(text[:500]))
    expect(re.search(rf"^{access} at 0x", text, re.MULTILINE), f"{access} for {case}",
           repr(text[:500]))
    expect(position in text, f"'{position}' for {case}", repr(text[:1500]))
    expect(text.count("ERROR: AddressSanitizer") == 1, f"one report for {case}", repr(text))
