#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: of the thirteen bugs of the design's matrix debug,guard=all reports all with their stacks
# but the read of memory that was never written to, and says nothing about a program without bugs.

import sys

from report import expect, run

LIBRARY, SUBJECT = sys.argv[1:3]

# Bug: what the report is called, and how many stacks of blocks it has.
BUGS = {"uaf_r": ("heap-use-after-free", 2), "uaf_w": ("heap-use-after-free", 2),
        "of_w": ("heap-buffer-overflow", 1), "of_r": ("heap-buffer-overflow", 1),
        "uf_w": ("heap-buffer-overflow", 1), "df": ("double-free", 2), "df2": ("double-free", 2),
        "inv": ("attempting free on address which was not malloc()-ed", 1),
        "stk": ("attempting free on address which was not malloc()-ed", 0),
        "nm1": ("alloc-dealloc-mismatch", 1), "nm2": ("alloc-dealloc-mismatch", 1),
        "size": ("new-delete-type-mismatch", 1)}

for bug, (error, count) in BUGS.items():
    result = run(LIBRARY, SUBJECT, bug, TARN="debug,guard=all")
    expect(result.returncode in (-6, -11), f"{bug} to be fatal", result)
    expect(error in result.stderr, f"{error} for {bug}", repr(result.stderr[:300]))
    blocks = result.stderr.count("allocated by thread") + result.stderr.count("freed by thread")
    expect(blocks == count, f"{count} stacks of blocks for {bug}", repr(result.stderr))
    expect("guard_bugs.cc:" in result.stderr, f"lines for {bug}", repr(result.stderr))
result = run(LIBRARY, SUBJECT, "ok", TARN="debug,guard=all")
expect(result.returncode == 0 and result.stderr == "", "nothing about what is right", result)
