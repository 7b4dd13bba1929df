#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: what an extension of python3 loses is reported to the byte, with its functions and lines:
# memory in any case, objects with PYTHONMALLOC=malloc.

import os
import re
import sys

from report import entries, expect, marked_lines, run

LIBRARY, MODULE, SOURCE = map(os.path.realpath, sys.argv[1:4])

LINES = marked_lines(SOURCE)
PROGRAM = f"""
import sys
sys.path.insert(0, {os.path.dirname(MODULE)!r})
import python_extension
for _ in range(11):
    python_extension.memory(4321)
for _ in range(5):
    python_extension.list(1000)
print("done")
"""


def check(text, mark, function, kind, size, count):
    place = rf" in {function} \S*python_extension\.c:{LINES[mark]}\b"
    # The interpreter takes another way when it knows what is called.
    seen = [entry for entry in entries(text) if entry[0] == kind and re.search(place, entry[3])]
    expect((sum(entry[1] for entry in seen), sum(entry[2] for entry in seen)) ==
           (size * count, count), f"{kind} leak of {count} blocks of {size} at {place}", text)


for allocator in "pymalloc", "malloc":
    result = run(LIBRARY, "/usr/bin/python3", "-c", PROGRAM, PYTHONMALLOC=allocator,
                 TARN="leaks,leaks_max=1000")
    expect((result.returncode, result.stdout) == (23, "done\n"), "status 23 and the output",
           f"{result.returncode} {result.stderr[-500:]}")
    check(result.stderr, "memory", "lose_memory", "Direct", 4321, 11)
    if allocator == "malloc":
        check(result.stderr, "list", "list", "Indirect", 8000, 5) # the list's array
