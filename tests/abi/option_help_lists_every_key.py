#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: TARN=help prints a table with every key, its default and its meaning, and the program
# runs on.

import sys

from preload import expect, run_well

LIBRARY, SUBJECT = sys.argv[1:3]
KEYS = {"help": "off", "verbose": "off", "stats": "off", "stats_json": "-", "log": "-",
        "fallback": "jemalloc", "pools": "on", "limit": "0", "purge_delay": "", "thp": "auto",
        "huge_pages": "off", "only": "-", "deepbind": "drop"}

for environment in {"TARN": "help"}, {"TARN_HELP": "1"}:
    result = run_well(LIBRARY, SUBJECT, **environment)
    expect(result.stdout == "done\n", "the program's own output only on stdout",
           repr(result.stdout))
    rows = {}
    for line in result.stderr.splitlines():
        words = line.split()
        if words:
            rows[words[0].split("=")[0]] = words
    for key, default in KEYS.items():
        expect(key in rows, f"a row for {key}", repr(result.stderr))
        expect(default in " ".join(rows[key][1:]) and len(rows[key]) > 4,
               f"the default '{default}' and a meaning for {key}", " ".join(rows[key]))
