#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: every value that the table of options offers is accepted without a word, and the program
# runs with it.

import sys

from preload import expect, run_well

LIBRARY, SUBJECT = sys.argv[1:3]
VALUES = {"pools": ["on", "off", "1", "0"], "fallback": ["jemalloc", "mmap"],
          "limit": ["0", "512m", "1g", "2G", "600000k", "1073741824"],
          "purge_delay": ["0", "0ms", "1ms", "500ms", "1s", "10s"],
          "thp": ["off", "auto", "always"],
          "huge_pages": ["on", "off"], "deepbind": ["drop", "keep"],
          "stats": ["off", "no", "false"], "verbose": ["off"], "help": ["off"]}

for key, values in VALUES.items():
    for value in values:
        for environment in {f"TARN_{key.upper()}": value}, {"TARN": f"{key}={value}"}:
            result = run_well(LIBRARY, SUBJECT, **environment)
            expect(result.stdout == "done\n", "the program's output", repr(result.stdout))
            expect(result.stderr == "", f"nothing on stderr with {environment}",
                   repr(result.stderr[:300]))
