#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: where a library has operators new and delete for itself, linked in or opened later, and a
# program's inline functions give its blocks to ours, nothing is a mismatch.

import os
import sys

from reports import expect, run_subject

LIBRARY, OPERATORS, LINKED, OPENING = map(os.path.abspath, sys.argv[1:5])

for options in "debug", "canary", "harden", "debug,guard=all":
    for program in (LINKED,), (OPENING, OPERATORS):
        result = run_subject(LIBRARY, *program, TARN=options)
        expect((result.returncode, result.stdout, result.stderr) == (0, "all done\n", ""),
               f"no report with {options}", result)
