#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: tarn_report_leaks() reports at once and returns how many blocks are lost; without leaks=on
# it returns -1 and says nothing, and without the preload it is null.

import sys

from report import expect, run_subject, summary

LIBRARY, SUBJECT = sys.argv[1:3]

result = run_subject(LIBRARY, SUBJECT, "chain", "demand", TARN="leaks")
expect(result.stdout.endswith("; lost 3"), "three lost blocks", repr(result.stdout))
found = summary(result.stderr) or {}
expect(found.get("definite", (0, 0))[1] == 1 and found["indirect"][1] == 2,
       "one of them definitely", result.stderr)

result = run_subject(LIBRARY, SUBJECT, "nothing", "demand", TARN="leaks,verbose")
expect(result.stdout.endswith("; lost 0") and "no leaks" in result.stderr, "a line and 0",
       f"{result.stdout!r}, {result.stderr}")

result = run_subject(LIBRARY, SUBJECT, "chain", "demand", TARN="")
expect(result.stdout.endswith("; lost -1") and result.stderr == "", "-1 and silence",
       f"{result.stdout!r}, {result.stderr}")

result = run_subject(None, SUBJECT, "chain", "demand", TARN="")
expect(result.stdout.endswith("; lost -2"), "no such function", repr(result.stdout))
