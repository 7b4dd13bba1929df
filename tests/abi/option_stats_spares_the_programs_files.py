#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: a daemon that closes every descriptor and then opens files of its own, which so get the
# numbers of stderr and of whatever the allocator kept, never finds statistics in them.

import os
import sys
import tempfile

from preload import expect, run_well

LIBRARY, DAEMON = sys.argv[1:3]

with tempfile.TemporaryDirectory() as directory:
    path = os.path.join(directory, "data")
    for environment in {"TARN": "stats"}, {"TARN": "stats,verbose,help"}, {"TARN_LIMIT": "64m"}:
        run_well(LIBRARY, DAEMON, path, **environment)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        expect(text == "the daemon's own data\n", f"its own line alone with {environment}",
               repr(text[:200]))
        os.remove(path)
