#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: with log=PATTERN everything the allocator has to say (help, statistics, complaints) goes
# to that file, appended, and nothing to stderr.

import os
import sys
import tempfile

from preload import expect, run_well

LIBRARY, SUBJECT = sys.argv[1:3]

with tempfile.TemporaryDirectory() as directory:
    log = os.path.join(directory, "log.txt")
    sizes = []
    for _ in range(2):
        result = run_well(LIBRARY, SUBJECT, TARN="stats,help,nonsense", TARN_LOG=log)
        expect(result.stdout == "done\n", "the program's output", repr(result.stdout))
        expect(result.stderr == "", "nothing on stderr", repr(result.stderr))
        expect(os.path.exists(log), f"the file {log}", "none")
        sizes.append(os.path.getsize(log))
    with open(log, encoding="utf-8") as file:
        text = file.read()
    for word in "nonsense", "purge_delay", "peak":
        expect(word in text, f"'{word}' in the log", repr(text[:500]))
    expect(sizes[1] > sizes[0] * 3 // 2, "the second run appended", f"sizes {sizes}")

    result = run_well(LIBRARY, SUBJECT, TARN="stats", TARN_LOG=os.path.join(directory, "log.%p"))
    files = [name for name in os.listdir(directory) if name != "log.txt"]
    expect(len(files) == 1 and files[0].split(".")[1].isdigit(), "one file log.<pid>", str(files))
