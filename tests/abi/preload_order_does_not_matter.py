#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: another preloaded library that allocates in its constructor and frees in its destructor
# may stand before or after libtarn.so in LD_PRELOAD.

import sys

from preload import expect, run_well

LIBRARY, SUBJECT, OTHER = sys.argv[1:4]

for order in f"{OTHER}:{LIBRARY}", f"{LIBRARY}:{OTHER}", f"{LIBRARY} {OTHER}":
    result = run_well(order, SUBJECT)
    expect((result.stdout, result.stderr) == ("done\n", ""), f"'done' with {order}",
           f"{result.stdout!r} and {result.stderr!r}")
