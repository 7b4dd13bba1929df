#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: looking for stacks does no harm: not on a stack that ends in a made-up return address, not
# where only a part of a frame can be read, not to a child of a fork in the middle of dlclose, not
# when libc unloads modules by itself.

import sys

from report import expect, run

LIBRARY, SUBJECT, PLUGIN = sys.argv[1:4]

for what in "coroutine", "far_frame", "fork_in_dlclose", "iconv":
    for mode in "leaks", "trace,symbolizer=/nowhere":
        result = run(LIBRARY, SUBJECT, what, PLUGIN, timeout=100,
                     TARN=f"{mode},leaks_exitcode=0,children=off,log=/dev/null")
        expect((result.returncode, result.stdout) == (0, "done\n"), f"{what} to end well with {mode}",
               f"{result.returncode} {result.stdout!r} {result.stderr[-300:]}")
