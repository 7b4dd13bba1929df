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
