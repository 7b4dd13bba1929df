#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: `tarn folded` prints the stacks of a profile with any of its values, outermost call first;
# a file that is none is one line, and status 1.

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "abi"))

from preload import expect, run  # noqa: E402  (found by way of the line above)
from profile import Profile  # noqa: E402

LIBRARY, COMMAND, SUBJECT = sys.argv[1:4]


def folded(*arguments):
    return subprocess.run([COMMAND, "folded", *arguments], capture_output=True, text=True,
                          check=False, timeout=60)


with tempfile.TemporaryDirectory() as directory:
    path = f"{directory}/profile"
    run(LIBRARY, SUBJECT, "4", TARN=f"trace,trace_file={path}")
    profile = Profile(path)
    for kind in profile.types:
        result = folded(path, f"--value={kind}")
        expect((result.returncode, result.stderr) == (0, ""), "status 0", result)
        stacks = {}
        for line in result.stdout.splitlines():
            stack, _, value = line.rpartition(" ")
            expect(stack not in stacks and int(value) > 0, "each stack once", line)
            stacks[stack] = int(value)
        expect(sum(stacks.values()) == profile.total(kind), f"{profile.total(kind)} {kind}",
               sum(stacks.values()))
        together = sum(value for stack, value in stacks.items()
                       if "::run(void*);(anonymous namespace)::work(unsigned long);"
                          "(anonymous namespace)::together()" in stack)
        expect(together == profile.below("::together(", kind), f"{kind} of together", stacks)
    expect(folded(path).stdout == folded(path, "--value=peak_space").stdout, "the peak", "another")

    for file, problem in ((SUBJECT, "no profile for pprof"), ("/nowhere", "No such file"),
                          (path + "cut", "damaged at about byte ")):
        if file == path + "cut":
            with open(path, "rb") as whole, open(file, "wb") as cut:
                cut.write(whole.read(1000))
        result = folded(file)
        expect(result.returncode == 1 and result.stdout == "" and
               result.stderr.startswith(f"tarn: {file}: {problem}") and
               result.stderr.count("\n") == 1, problem, result)
    result = folded(path, "--value=space")
    expect(result.returncode == 1 and "no value 'space', but alloc_objects" in result.stderr,
           "the values", result)
