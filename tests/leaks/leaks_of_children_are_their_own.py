#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: a forked child reports when it ends, unless children=off; a child of vfork, which runs in
# its parent's memory, neither reports nor keeps the parent from doing so.

import sys

from report import expect, run_subject

LIBRARY, SUBJECT = sys.argv[1:3]

result = run_subject(LIBRARY, SUBJECT, "block", "fork")
expect("child 23" in result.stdout and result.stderr.count("LEAK SUMMARY") == 1,
       "a report and status 23 of the child", f"{result.stdout!r}, {result.stderr}")

result = run_subject(LIBRARY, SUBJECT, "block", "fork", TARN="leaks,children=off")
expect("child 3" in result.stdout and result.stderr == "", "the child's own status, no report",
       f"{result.stdout!r}, {result.stderr}")

result = run_subject(LIBRARY, SUBJECT, "block", "vfork")
expect("child 5" in result.stdout and result.stderr.count("LEAK SUMMARY") == 1 and
       result.returncode == 23, "one report, by the parent",
       f"{result.returncode}, {result.stdout!r}, {result.stderr}")
