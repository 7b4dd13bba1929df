#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: with guards a read or write beside a block ends at that instruction with a report: 1 to 64
# bytes over or under, in threads, of small, mid-size, large and aligned blocks, from every function
# that allocates. Its stacks are those of access and allocation.

import sys

from report import expect, expect_stop, run, stacks

LIBRARY, SUBJECT = sys.argv[1:3]


def check(options, action, size, offset, how="plain"):
    case = f"{options} {action} {size} {offset} {how}"
    result = run(LIBRARY, SUBJECT, action, str(size), str(offset), how, TARN=options)
    is_under = offset < 0
    distance = -offset if is_under else offset - size
    unit = "byte" if distance == 1 else "bytes"
    where = "before" if is_under else "after"
    expect_stop(result, "heap-buffer-overflow", action.upper(),
                f"is located {distance} {unit} {where} {size}-byte region", case)
    found = stacks(result.stderr)
    expect(found["access"][0] == "touch", f"touch first for {case}", found)
    expect(found["allocated"][0] == "allocate", f"allocate first for {case}", found)
    expect("main" in found["allocated"] or how == "thread", f"all of the stack for {case}", found)


for over in (0, 1, 7, 15, 31, 63):
    check("guard=all", "read", 40, 40 + over)
    check("guard=all,guard_align=exact", "write", 41, 41 + over)
for under in (1, 2, 8, 64):
    check("guard=all,guard_align=left", "read", 41, -under)
    check("debug,guard=all,guard_align=left", "write", 40, -under)
for size in (1, 15, 16, 4096, 4097, 100_000, 1_000_001, 5_000_000):
    check("guard=all,guard_align=exact", "read", size, size)
for how in ("thread", "calloc", "realloc", "new"):
    check("debug,guard=all", "write", 40, 40, how)
    check("debug,guard=all", "read", 200_000, 200_000, how)
check("guard=all", "write", 128, 128, "aligned")
check("guard=all,guard_align=right", "read", 48, 48)

# What lies between a block and its guard: found when the block is freed.
for options, size in (("guard=all", 41), ("guard=all,guard_align=right", 40)):
    result = run(LIBRARY, SUBJECT, "write", str(size), str(size), TARN=options)
    expect(result.returncode == -6 and "noticed when the block was freed" in result.stderr,
           f"the gap to be looked at with {options}", repr(result.stderr[:500]))
