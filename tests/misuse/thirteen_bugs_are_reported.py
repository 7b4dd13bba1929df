#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: of the thirteen bugs by which checkers are compared (the table of README.md), TARN=debug
# reports all but the three reads, in a program that was not compiled for it, with the lines where
# the block was allocated, freed and misused.

import re
import sys

from reports import expect, reports, run_subject, title

LIBRARY, SUBJECT, SOURCE = sys.argv[1:4]

FOUND = {
    "uaf_r": None,
    "uaf_w": "heap-use-after-free",
    "of_w": "heap-buffer-overflow",
    "of_r": None,
    "uf_w": "heap-buffer-overflow",
    "df": "attempting double-free",
    "df2": "attempting double-free",
    "inv": "attempting free",
    "stk": "attempting free",
    "nm1": "alloc-dealloc-mismatch (operator new[] vs free)",
    "nm2": "alloc-dealloc-mismatch (operator new[] vs operator delete)",
    "size": "new-delete-type-mismatch",
    "uninit": None,
}

with open(SOURCE, encoding="utf-8") as file:
    MARKS = {(bug, what): number for number, line in enumerate(file, 1)
             for what, bug in re.findall(r"// (\w+): (\w+)$", line)}


def lines_of(report):
    """The line of the subject that each stack of a report begins with."""
    stacks = {"noticed": r"(?:\)|T0:)", "freed": r"freed by .*", "allocated": r"allocated by .*"}
    found = {what: re.search(before + r"\n(    #0 .*)", report)
             for what, before in stacks.items()}
    return {what: int(line.group(1)) for what, line in
            ((what, match and re.search(r"matrix_subject\.cc:(\d+)", match.group(1)))
             for what, match in found.items()) if line}


for bug, name in FOUND.items():
    result = run_subject(LIBRARY, SUBJECT, bug)
    found = reports(result.stderr)
    expect(len(found) == (name is not None), f"{name} of {bug}", result.stderr)
    if name is None:
        expect((result.returncode, result.stdout) == (0, "end\n"), f"{bug} to pass", result)
        continue
    expect(title(found[0]).startswith(name), f"{name} of {bug}", found[0])
    wanted = {what: number for (of, what), number in MARKS.items() if of == bug}
    expect(lines_of(found[0]) == wanted, f"lines of {bug}: {wanted}", found[0])
    expect(result.returncode == -6, f"the end of {bug}", result.returncode)
