#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: the tarn command answers a mistake in how it is called with one line, which names it and
# where to read on, and with status 2; --help of each command is on standard output, with status 0.

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "abi"))

from preload import expect  # noqa: E402  (found by way of the line above)

COMMAND = sys.argv[1]
MISTAKES = {(): "tarn: no command", ("fold",): "tarn: no command or option 'fold'",
            ("--fold",): "tarn: no command or option '--fold'",
            ("folded",): "tarn folded: FILE is required",
            ("folded", "one", "another"): "another", ("folded", "--value"): "--value",
            ("folded", "--kind=x", "file"): "--kind=x", ("symbolize", "file"): "file",
            ("resolve", "--suppressions"): "--suppressions",
            ("events",): "tarn events: FILE is required", ("events", "--test", "file"): "--test",
            ("replay",): "tarn replay: FILE is required"}


def run(*arguments):
    return subprocess.run([COMMAND, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False, timeout=60)


for arguments, problem in MISTAKES.items():
    result = run(*arguments)
    expect((result.returncode, result.stdout) == (2, ""), f"status 2 of {arguments}", result)
    command = " ".join(["tarn", *arguments[:1]]) if "command" not in problem else "tarn"
    expect(result.stderr.startswith(f"{command}: ") and problem in result.stderr and
           result.stderr.endswith(f" ({command} --help says more)\n") and
           result.stderr.count("\n") == 1, f"{problem} in one line", result.stderr)

for arguments in ("--help",), ("folded", "--help"), ("symbolize", "-h"), ("resolve", "--help"):
    result = run(*arguments)
    expect((result.returncode, result.stderr) == (0, "") and "\nUsage: tarn " in result.stdout,
           f"the help of {arguments}", result)
    longest = max(map(len, result.stdout.splitlines()))
    expect(longest <= 100, f"lines of 100 characters in {arguments}", longest)
