#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: limit=64m prints one line when 90 % are in use, and none while the program stays below
# that.

import sys

from preload import expect, run_well

LIBRARY, SUBJECT = sys.argv[1:3]

result = run_well(LIBRARY, SUBJECT, "40", TARN_LIMIT="64m")
expect(result.stderr == "", "nothing on stderr at 40 of 64 MiB", repr(result.stderr))
for megabytes in "62", "200":
    result = run_well(LIBRARY, SUBJECT, megabytes, TARN_LIMIT="64m")
    lines = result.stderr.splitlines()
    expect(len(lines) == 1 and "limit" in lines[0].lower() and "tarn" in lines[0],
           f"one line about the limit at {megabytes} of 64 MiB", repr(result.stderr))
    expect(result.stdout == "done\n", "the program's output", repr(result.stdout))
