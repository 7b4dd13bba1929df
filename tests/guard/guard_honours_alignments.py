#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: a guarded block has the alignment that the program asks for by name, 16 like any other;
# only what malloc promises for all blocks may be less.

import sys

from report import expect, run

LIBRARY, SUBJECT = sys.argv[1:3]

for options in ("guard=all", "guard=all,guard_align=exact", "guard=all,guard_align=right",
                "guard=all,guard_align=left", "debug,guard=all", "guard=1/2", "off"):
    result = run(LIBRARY, SUBJECT, TARN=options)
    expect((result.returncode, result.stdout) == (0, "0\n" * 5),
           f"every block where it should be with {options}", result)
