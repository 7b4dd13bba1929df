#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: stats_json=PATTERN writes one file of valid JSON at exit, %p and %e in its name replaced
# by pid and program, with figures in it that are true on their face, and prints nothing.

import json
import os
import re
import subprocess
import sys
import tempfile

from preload import expect, run_well

LIBRARY, SUBJECT = sys.argv[1:3]


def numbers_in(value):
    """Every number in a JSON value, at any depth."""
    if isinstance(value, dict):
        return [number for item in value.values() for number in numbers_in(item)]
    if isinstance(value, list):
        return [number for item in value for number in numbers_in(item)]
    return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


with tempfile.TemporaryDirectory() as directory:
    pattern = os.path.join(directory, "stats.%e.%p.json")
    for environment in {"TARN_STATS_JSON": pattern}, {"TARN": f"stats_json={pattern}"}:
        result = run_well(LIBRARY, SUBJECT, **environment)
        expect(result.stdout == "done\n", "the program's output", repr(result.stdout))
        expect(result.stderr == "", "nothing on stderr", repr(result.stderr))
        files = os.listdir(directory)
        wanted = rf"stats\.{re.escape(os.path.basename(SUBJECT))}\.[0-9]+\.json"
        expect(len(files) == 1 and re.fullmatch(wanted, files[0]), f"one file {wanted}", str(files))
        path = os.path.join(directory, files[0])
        tool = subprocess.run([sys.executable, "-m", "json.tool", path], capture_output=True,
                              text=True, check=False)
        expect(tool.returncode == 0, "python3 -m json.tool to accept the file", tool.stderr)
        with open(path, encoding="utf-8") as file:
            figures = json.load(file)
        expect(isinstance(figures, dict), "a JSON object", type(figures).__name__)
        numbers = numbers_in(figures)
        expect(len(numbers) >= 10, "at least ten figures", str(len(numbers)))
        expect(all(0 <= number < 2 ** 50 for number in numbers), "figures from 0 to 2^50",
               str([number for number in numbers if not 0 <= number < 2 ** 50]))
        os.remove(path)
