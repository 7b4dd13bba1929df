#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: with guards a read or write of a block that was freed ends at that instruction, also after
# thousands of other blocks came and went, with the stacks of access, free and allocation.

import sys

from report import expect, expect_stop, run, stacks

LIBRARY, SUBJECT = sys.argv[1:3]

for options in ("guard=all", "debug,guard=all"):
    for action in ("read_freed", "write_freed"):
        for size, offset, how in ((40, 0, "plain"), (40, 39, "thread"), (1, 0, "new"),
                                  (4096, 4095, "calloc"), (200_000, 7, "realloc"),
                                  (3_000_000, 2_000_000, "aligned")):
            case = f"{options} {action} {size} {offset} {how}"
            result = run(LIBRARY, SUBJECT, action, str(size), str(offset), how, TARN=options)
            unit = "byte" if offset == 1 else "bytes"
            expect_stop(result, "heap-use-after-free", action.split("_")[0].upper(),
                        f"is located {offset} {unit} inside of {size}-byte region", case)
            found = stacks(result.stderr)
            expect(found["access"][0] == "touch", f"touch first for {case}", found)
            expect(found["freed"][0] == "release", f"release first for {case}", found)
            expect(found["allocated"][0] == "allocate", f"allocate first for {case}", found)
