#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: what goes through a TracingResource has its name as a tag in traces, inside the tags of
# the thread; below an arena it is the arena's chunks. Without the preload the program does the same.

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "abi"))

from preload import expect, run  # noqa: E402  (found by way of the line above)
from profile import Profile  # noqa: E402

LIBRARY, SUBJECT = sys.argv[1:3]
SAYS = "2600 bytes direct, 1 chunks\n"

with tempfile.TemporaryDirectory(prefix="tarn-resources-") as directory:
    path = f"{directory}/resources.pb.gz"
    result = run(LIBRARY, SUBJECT, TARN=f"trace,trace_file={path}")
    expect((result.returncode, result.stdout) == (0, SAYS), "the program's own output", result)
    profile = Profile(path)
    for tag, wanted in (("direct", (20, 10000, 5, 2500)), ("outer::direct", (1, 100, 1, 100)),
                        ("below", (1, 4096, 1, 4096))):
        for kind, number in zip(profile.types, wanted):
            seen = profile.tagged(tag, kind)
            expect(seen == number, f"{number} {kind} of {tag}", seen)
    alone = subprocess.run([SUBJECT], capture_output=True, text=True, check=False)
    expect((alone.returncode, alone.stdout) == (0, SAYS), "the same without the preload", alone)
