#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: an unknown option gives one line on stderr that names it and the closest known key, and
# the program runs.

import sys

from preload import expect, run_well

LIBRARY, SUBJECT = sys.argv[1:3]
CASES = [({"TARN": "stast"}, "stast", "stats"),
         ({"TARN": "limti=64m"}, "limti", "limit"),
         ({"TARN": "purge_dealy=1s"}, "purge_dealy", "purge_delay"),
         ({"TARN_DEEPBNID": "keep"}, "DEEPBNID", "deepbind"),
         ({"TARN_STATSJSON": "/tmp/x"}, "STATSJSON", "stats_json")]

for environment, wrong, closest in CASES:
    result = run_well(LIBRARY, SUBJECT, **environment)
    expect(result.stdout == "done\n", "the program's output", repr(result.stdout))
    lines = result.stderr.splitlines()
    expect(len(lines) == 1, f"one line on stderr for {environment}", repr(result.stderr))
    expect(wrong in lines[0] and closest in lines[0].replace(wrong, ""),
           f"'{wrong}' and '{closest}' in it", repr(lines[0]))
