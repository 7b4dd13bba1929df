#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: a relative name of a file is one in the directory where the program started, wherever it
# goes: daemons go to /.

import os
import subprocess
import sys
import tempfile

LIBRARY = os.path.abspath(sys.argv[1])
FILES = {"log": "log.txt", "leaks_json": "leaks.json", "trace_file": "profile.pb.gz",
         "timeline": "time.csv", "stats_json": "stats.json", "baseline": "baseline",
         "events": "events", "state": "state"}

# Twice: by a name that was made up before the program went elsewhere, too.
PROGRAM = """
import ctypes, os, sys
report = ctypes.CDLL(None).tarn_report_leaks
report()
os.chdir(sys.argv[1])
report()
"""

with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as elsewhere:
    options = ",".join(f"{name}={file}" for name, file in FILES.items())
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, elsewhere], cwd=folder, timeout=120,
        capture_output=True, text=True, check=False,
        env={"LD_PRELOAD": LIBRARY,
             "TARN": "leaks,leaks_show=all,leaks_exitcode=0,trace,stats," + options})
    made = sorted(os.listdir(folder))
    if result.returncode != 0 or made != sorted(FILES.values()) or os.listdir(elsewhere):
        sys.exit(f"expected {sorted(FILES.values())}, seen {made}, elsewhere "
                 f"{os.listdir(elsewhere)}, {result}")
