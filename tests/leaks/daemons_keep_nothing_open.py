#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: a program that becomes a daemon leaves the pipe that its caller reads: $(...) and CI do not
# wait for it.

import os
import subprocess
import sys
import tempfile

LIBRARY = os.path.abspath(sys.argv[1])

BY_ITSELF = """
import os, sys, time
if os.fork() != 0: os._exit(0)
os.setsid()
null = os.open("/dev/null", os.O_RDWR)
for number in 0, 1, 2: os.dup2(null, number)
while not os.path.exists(sys.argv[1]): time.sleep(0.02)
"""
BY_LIBC = """
import ctypes, os, sys, time
ctypes.CDLL(None).daemon(1, 0)
while not os.path.exists(sys.argv[1]): time.sleep(0.02)
"""

for program in BY_ITSELF, BY_LIBC:
    for mode in "leaks,children=off", "trace,trace_file=/dev/null", "stats":
        with tempfile.TemporaryDirectory() as folder:
            gate = os.path.join(folder, "gate")
            with subprocess.Popen([sys.executable, "-c", program, gate], stderr=subprocess.PIPE,
                                  env={"LD_PRELOAD": LIBRARY, "TARN": mode}) as process:
                try:
                    process.communicate(timeout=60)
                except subprocess.TimeoutExpired:
                    sys.exit(f"expected the end of standard error under {mode}, seen none: {program}")
                finally:
                    os.mkdir(gate)


def report_of(program):
    """What a program says that has gone its way."""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True,
                            check=False, timeout=60, start_new_session=True,
                            env={"LD_PRELOAD": LIBRARY, "TARN": "stats"})
    if result.returncode != 0 or "Traceback" in result.stderr:
        sys.exit(f"expected a program without errors, seen {result}: {program}")
    return result.stderr


# The leader of a session cannot begin another one: it stays where it was, and is heard.
FAILS = """
import os
try:
    os.setsid()
    raise SystemExit("a second session")
except PermissionError:
    os.close(2)
"""
if "tarn" not in report_of(FAILS):
    sys.exit("expected the report of a program that has only closed standard error, seen none")

# A file of the program's that has the number of our copy is not closed.
TAKES_THE_NUMBER = """
import os, tempfile
if os.fork() != 0: os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
file = tempfile.TemporaryFile()
for number in range(200, 220): os.dup2(file.fileno(), number)
os.setsid()
for number in range(200, 220): os.write(number, b"x")
"""
report_of(TAKES_THE_NUMBER)
