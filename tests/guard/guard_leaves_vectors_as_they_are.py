#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: instructions that want 16 aligned bytes do what they should also in blocks that lie closer
# to their guards than malloc's promise of alignment allows; what reads beyond is still stopped.

import sys

from report import expect, run

LIBRARY, SUBJECT = sys.argv[1:3]

for options in "guard=all", "debug,guard=all", "guard=1/3", "guard=all,guard_align=exact":
    result = run(LIBRARY, SUBJECT, TARN=options)
    expect((result.returncode, result.stdout) == (0, "right\n" * 4), f"no fault with {options}", result)

result = run(LIBRARY, SUBJECT, "beyond", TARN="guard=all")
expect(result.returncode < 0 and "heap-buffer-overflow" in result.stderr and
       "is located 0 bytes after 40-byte region" in result.stderr, "a stop", result)
