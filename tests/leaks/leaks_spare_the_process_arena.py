#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: what is in the arena of the process is still reachable at its end, not lost.

import sys

from report import blocks, expect, run

LIBRARY, SUBJECT = sys.argv[1:3]

result = run(LIBRARY, SUBJECT, TARN="leaks,leaks_show=all")
found = blocks(result.stderr, "the process arena")
expect(found["definite"] == found["indirect"] == found["possible"] == 0, "nothing lost",
       result.stderr)
expect(found["reachable"] >= 4, "chunks and blocks of their own", found)
expect(result.returncode == 0, "status 0", result.returncode)
