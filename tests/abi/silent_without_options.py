#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: without options the preload prints nothing and changes neither output nor exit status.

import sys

from preload import expect, run

LIBRARY, SUBJECT = sys.argv[1:3]

result = run(LIBRARY, SUBJECT)
expect((result.returncode, result.stdout, result.stderr) == (0, "done\n", ""),
       "0, 'done' and nothing else", f"{result.returncode}, {result.stdout!r}, {result.stderr!r}")
result = run(LIBRARY, "/bin/sh", "-c", "echo out; echo err >&2; exit 7")
expect((result.returncode, result.stdout, result.stderr) == (7, "out\n", "err\n"),
       "7, 'out' and 'err'", f"{result.returncode}, {result.stdout!r}, {result.stderr!r}")
