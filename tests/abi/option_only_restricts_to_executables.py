#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: only=EXE applies the options to that executable, by its name, and leaves the others
# silent: with it TARN=stats can be set for a whole session of programs.

import os
import sys

from preload import expect, run_well

LIBRARY, SUBJECT = sys.argv[1:3]
NAME = os.path.basename(SUBJECT)

for only in NAME, f"other|{NAME}":
    result = run_well(LIBRARY, SUBJECT, TARN="stats", TARN_ONLY=only)
    expect("peak" in result.stderr, f"statistics with only={only}", repr(result.stderr))
    result = run_well(LIBRARY, "/bin/sh", "-c", "echo shell; exit 0", TARN="stats", TARN_ONLY=only)
    expect(result.stderr == "", f"nothing from sh with only={only}", repr(result.stderr))
    expect(result.stdout == "shell\n", "the shell's own output", repr(result.stdout))
for only in "other", f"{NAME}2", NAME[:-1]:
    result = run_well(LIBRARY, SUBJECT, TARN="stats", TARN_ONLY=only)
    expect(result.stderr == "", f"nothing with only={only}", repr(result.stderr))
    expect(result.stdout == "done\n", "the program's output", repr(result.stdout))
