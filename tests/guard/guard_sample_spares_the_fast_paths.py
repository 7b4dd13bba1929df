#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: guard=1/N guards about one block in N of every size and in every thread, and leaves all
# others to the fast paths: few instructions more, no more memory to speak of.

import re
import sys

from report import expect, run

LIBRARY, SUBJECT = sys.argv[1:3]

# 100 blocks before the one in question; with 1/2 as good as all runs meet one by then.
for size in (1, 40, 4096, 200_000, 5_000_000):
    for how in ("plain", "thread", "aligned", "calloc", "realloc", "new"):
        result = run(LIBRARY, SUBJECT, "read", str(size), str(size - 1), how, TARN="guard=1/2")
        expect(result.returncode == 0 and result.stderr == "",
               f"{size} bytes of {how} to be used in peace", result)
for size in (40, 200_000, 5_000_000):
    for how in ("plain", "thread", "aligned", "new"):
        caught = [run(LIBRARY, SUBJECT, "read_freed", str(size), "0", how, TARN="guard=1/2")
                  for _ in range(12)]
        reports = [one.stderr for one in caught if "heap-use-after-free" in one.stderr]
        # All or none of twelve is a chance of 1 in 2048; none only is a failure.
        expect(reports, f"a report about {size} bytes of {how}", caught[0])
        for text in reports:
            expect(re.search(r"#0 .*touch.*guard_subject", text) and "freed by thread" in text and
                   "allocated by thread" in text, "all stacks", text)
