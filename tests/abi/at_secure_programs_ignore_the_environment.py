#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: in a set-ID program (AT_SECURE) the environment is ignored: no option takes effect,
# nothing is printed and no file is written, and the program runs.

import os
import shutil
import sys
import tempfile

from preload import expect, run

LIBRARY, SUBJECT = sys.argv[1:3]

# A group that is not the caller's own makes the program set-group-ID; root may take any.
other_groups = [group for group in os.getgroups() if group != os.getgid()]
expect(other_groups or os.geteuid() == 0, "root, or a user with a second group", "neither")
group = 65534 if os.geteuid() == 0 else other_groups[0]

with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(SUBJECT))) as directory:
    program = os.path.join(directory, "secure")
    log = os.path.join(directory, "log")
    json = os.path.join(directory, "json")
    shutil.copy(SUBJECT, program)
    os.chown(program, -1, group)
    os.chmod(program, 0o2755)
    environment = {"TARN": "stats,verbose,help,no_such_option=1", "TARN_LOG": log,
                   "TARN_STATS_JSON": json, "TARN_LIMIT": "1k", "TARN_POOLS": "banana"}
    for preloaded in LIBRARY, "":
        result = run(preloaded, program, os.path.basename(LIBRARY), **environment)
        expect(result.returncode == 0, "exit status 0", f"{result.returncode}: {result.stderr!r}")
        expect(result.stdout == "secure\n", "'secure' on stdout", repr(result.stdout))
        expect(result.stderr == "", "nothing on stderr", repr(result.stderr))
    written = sorted(os.listdir(directory))
    expect(written == ["secure"], "no file written", str(written))
