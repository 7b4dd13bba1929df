#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: a log or stats_json file that cannot be opened gives a line on stderr that names the
# path, and the program runs.

import sys

from preload import expect, run_well

LIBRARY, SUBJECT = sys.argv[1:3]
PATH = "/proc/no/such/folder/file"

for environment in {"TARN_STATS_JSON": PATH}, {"TARN": "stats", "TARN_LOG": PATH}:
    result = run_well(LIBRARY, SUBJECT, **environment)
    expect(result.stdout == "done\n", "the program's output", repr(result.stdout))
    lines = [line for line in result.stderr.splitlines() if PATH in line]
    expect(len(lines) == 1, f"one line that names {PATH} for {environment}",
           repr(result.stderr[:500]))
