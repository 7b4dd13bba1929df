#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: an option value that makes no sense gives one line on stderr that names the variable and
# the value, the option keeps its default, and the program runs.

import sys

from preload import expect, run_well

LIBRARY, SUBJECT = sys.argv[1:3]
CASES = [("LIMIT", "banana"), ("LIMIT", "12q"), ("LIMIT", "-1"), ("LIMIT", "99999999999999999999"),
         ("FALLBACK", "glibc"), ("POOLS", "maybe"), ("PURGE_DELAY", "soon"), ("THP", "sometimes"),
         ("HUGE_PAGES", "7"), ("DEEPBIND", "lose"), ("STATS", "lots")]

for key, value in CASES:
    for variable, environment in ((f"TARN_{key}", {f"TARN_{key}": value}),
                                  ("TARN", {"TARN": f"{key.lower()}={value}"})):
        result = run_well(LIBRARY, SUBJECT, **environment)
        expect(result.stdout == "done\n", "the program's output", repr(result.stdout))
        lines = result.stderr.splitlines()
        expect(len(lines) == 1, f"one line on stderr for {environment}", repr(result.stderr))
        expect(variable in lines[0] and value in lines[0], f"{variable} and {value} in it",
               repr(lines[0]))
