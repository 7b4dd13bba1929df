#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: a program that throws executes the same instructions of itself, libstdc++, libgcc and the
# loader with leaks or trace as without; what is more is in malloc. Nothing of the unwinding is ours.

import os
import re
import sys
import tempfile
from collections import Counter

from report import expect, run

LIBRARY, SUBJECT = sys.argv[1:3]
FEW, MANY = 20, 120


def instructions(options, times):
    """{object: instructions executed in it}, by callgrind."""
    with tempfile.TemporaryDirectory() as directory:
        result = run(LIBRARY, "/usr/bin/valgrind", "--tool=callgrind", "--compress-strings=no",
                     "--compress-pos=no", f"--callgrind-out-file={directory}/profile", SUBJECT,
                     str(times), TARN=options, timeout=100)
        expect(result.returncode == 0, f"{times} exceptions with {options}", result)
        with open(directory + "/profile", encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    # Source: valgrind's manual, "Callgrind Format Specification": the line that follows "calls=" has
    # the cost of the called function.
    costs = Counter()
    name = ""
    for before, line in zip(lines, lines[1:]):
        if line.startswith("ob="):
            name = os.path.basename(line[3:])
        elif re.match(r"\d+ \d+$", line) and not before.startswith("calls="):
            costs[name] += int(line.split()[1])
    return costs


def for_exceptions(options):
    """What one of them costs; what is done once cancels, but for a few instructions of the loader."""
    few, many = instructions(options, FEW), instructions(options, MANY)
    return {name: round((many[name] - few[name]) / (MANY - FEW)) for name in many
            if re.match(r"libstdc\+\+|libgcc_s|ld-linux|exceptions_subject", name)}


wanted = for_exceptions("")
expect(len(wanted) == 4 and min(wanted.values()) > 0, "four objects that take part", wanted)
for options in "leaks,symbolizer=/nowhere", "trace,log=/dev/null,symbolizer=/nowhere":
    seen = for_exceptions(options)
    expect(seen == wanted, f"{wanted} with {options}", seen)

loaded = run(LIBRARY, SUBJECT, "1", TARN="leaks", LD_DEBUG="bindings").stderr
ours = re.escape(os.path.basename(LIBRARY))
bound = re.findall(rf" to (\S+) \[0\]: normal symbol `(_Unwind_\w+|__cxa_\w+|_dl_find_object"
                   r"|dl_iterate_phdr)'", loaded)
expect(any("libgcc_s" in path for path, _ in bound), "libgcc's unwinder", bound)
expect(not any(re.search(ours + "$", path) for path, _ in bound), "nothing of it in ours", bound)
