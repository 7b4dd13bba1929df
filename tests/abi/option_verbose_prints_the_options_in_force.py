#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: TARN=verbose prints, before the program's own output, one line with every option in
# force.

import sys

from preload import expect, run_well

LIBRARY, SUBJECT = sys.argv[1:3]

result = run_well(LIBRARY, SUBJECT, TARN="verbose,limit=512m", TARN_FALLBACK="mmap")
expect(result.stdout == "done\n", "the program's output", repr(result.stdout))
lines = result.stderr.splitlines()
expect(len(lines) == 1, "one line on stderr", repr(result.stderr))
for word in "limit=5", "fallback=mmap", "pools=on", "purge_delay=", "deepbind=drop", "thp=":
    expect(word in lines[0], f"'{word}' in it", repr(lines[0]))
