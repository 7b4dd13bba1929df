#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: an error that canaries or poison find ends with a command that, run as it stands, stops
# at the instruction that did it.

import re
import subprocess
import sys

from report import expect, run, stacks

LIBRARY, SUBJECT = sys.argv[1:3]


def check(action, size, offset, how="plain", options="debug"):
    case = f"{options} {action} {size} {offset} {how}"
    result = run(LIBRARY, SUBJECT, action, str(size), str(offset), how, TARN=options)
    expect("noticed" in result.stderr, f"a late report for {case}", repr(result.stderr[:300]))
    command = re.search(r"^To stop at the faulty instruction: (.*)$", result.stderr, re.MULTILINE)
    expect(command, f"a command for {case}", repr(result.stderr[-500:]))
    again = subprocess.run(["/bin/sh", "-c", f"exec env {command[1]}"], capture_output=True,
                           text=True, check=False, stdin=subprocess.DEVNULL)
    expect(again.returncode == -11 and stacks(again.stderr)["access"][0] == "touch",
           f"{command[1]} to stop in touch()", repr(again))


check("write", 40, 40)
check("write", 41, 41)
check("write", 40, 47)
check("write", 40, -1, "thread")
check("write", 77, -8, "new")
check("write_freed", 40, 7) # what poison has there is known
check("write", 40, 40, options="canary")
check("write", 5000, 5000, "realloc")
