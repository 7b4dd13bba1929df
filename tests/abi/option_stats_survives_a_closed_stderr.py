#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: TARN=stats reaches the stderr that the program was started with, also when the program
# closes it before the end, as ls and all of coreutils do to learn of write errors.

import sys

from preload import expect, run_well

LIBRARY = sys.argv[1]

result = run_well(LIBRARY, "/bin/ls", "-l", "/", TARN="stats")
expect("peak" in result.stderr, "statistics of ls on stderr", repr(result.stderr))
expect("etc" in result.stdout and "peak" not in result.stdout, "the listing alone on stdout",
       repr(result.stdout[:200]))
