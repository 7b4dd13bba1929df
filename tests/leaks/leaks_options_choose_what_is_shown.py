#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: leaks_show picks the classes, leaks_max bounds the list and says what is left out,
# leaks_exitcode sets the status, log= takes the report.

import os
import re
import sys
import tempfile

from report import expect, run_subject

LIBRARY, SUBJECT = sys.argv[1:3]


def listed(text):
    return re.findall(r"^(Direct|Indirect|Possible|Still)", text, re.MULTILINE)


def shown(shape, options):
    return run_subject(LIBRARY, SUBJECT, shape, TARN="leaks," + options)


expect(listed(shown("chain", "leaks_show=definite").stderr) == ["Direct"], "the direct leak only",
       shown("chain", "leaks_show=definite").stderr)
expect(set(listed(shown("chain", "leaks_show=all").stderr)) == {"Direct", "Indirect", "Still"},
       "three kinds", shown("chain", "leaks_show=all").stderr)
expect(listed(shown("global", "leaks_show=reachable").stderr)[:1] == ["Still"], "what is reachable",
       shown("global", "leaks_show=reachable").stderr)
expect(listed(shown("interior", "leaks_show=possible").stderr) == ["Possible"],
       "what may be lost", shown("interior", "leaks_show=possible").stderr)

text = shown("interior", "leaks_show=lost,verbose").stderr
expect("no leaks" in text and "in 3 perhaps (leaks_show=possible" in text, "one line", text)

text = shown("block", "stacks=off").stderr
expect("a block that no" in text, "its contents, where it was allocated not being known", text)

few = shown("many", "stacks=off,leaks_max=3").stderr # as many entries as sizes
expect(len(listed(few)) == 3, "three entries", few)
left_out = re.search(r"and (\d+) more", few)
expect(left_out is not None, "a line about the rest", few)
every = shown("many", "stacks=off,leaks_max=1000").stderr
expect(len(listed(every)) == 3 + int(left_out[1]), f"{3 + int(left_out[1])} entries", every)

for code in 0, 7:
    result = shown("block", f"leaks_exitcode={code}")
    expect(result.returncode == code, f"status {code}", result.returncode)

for bad in "leaks_show=some", "leaks_exitcode=256", "leaks_max=many":
    text = shown("nothing", bad).stderr
    expect(bad.split("=")[0] in text and bad.split("=")[1] in text, f"a complaint about {bad}", text)

with tempfile.TemporaryDirectory() as directory:
    path = os.path.join(directory, "leaks.txt")
    result = run_subject(LIBRARY, SUBJECT, "block", TARN_LOG=path)
    expect(result.stderr == "", "nothing on stderr", repr(result.stderr))
    with open(path, encoding="utf-8") as file:
        expect("LEAK SUMMARY" in file.read(), "the report in the log", path)
