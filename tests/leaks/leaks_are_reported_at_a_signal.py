#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: leaks_signal and trace_signal report while the program runs, also when the signal hits
# malloc, and the program goes on; a signal that there is not is one line.

import os
import re
import sys
import tempfile

from report import expect, run

LIBRARY = sys.argv[1]

PLANT = """
import ctypes, os, signal
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
os.kill(os.getpid(), signal.SIGUSR2)
for _ in range(3):
    libc.malloc(54321)
os.kill(os.getpid(), signal.SIGUSR2)
print("done")
os._exit(5)
"""
for name in "USR2", "SIGUSR2", "12":
    result = run(LIBRARY, "/usr/bin/python3", "-c", PLANT,
                 TARN=f"leaks,leaks_signal={name},leaks_exitcode=0", timeout=60)
    expect((result.returncode, result.stdout) == (5, "done\n"), "the program to go on", result)
    # Before, one line; after, and at the end, a report.
    expect(result.stderr.count("no leaks in python3") == 1, "one line at first", result.stderr)
    expect(len(re.findall(r"Direct leak of (162963|108642) byte", result.stderr)) == 2,
           "two reports", result.stderr)

with tempfile.TemporaryDirectory() as directory:
    result = run(LIBRARY, "/usr/bin/python3", "-c", PLANT, timeout=60,
                 TARN=f"trace,trace_signal=USR2,trace_file={directory}/%n.pb.gz")
    expect(result.stderr.count("TRACE SUMMARY") == 3, "three reports", result.stderr)
    expect(len(os.listdir(directory)) == 3, "three files", os.listdir(directory))

# The signals come when they like.
STORM = """
perl -e 'my %h; for (1..400000) { $h{$_ % 100} = [1..3] } print scalar keys %h' & p=$!
sleep 0.2
for i in 1 2 3 4 5 6 7 8 9 10; do kill -USR2 $p 2>/dev/null; sleep 0.02; done
wait $p
echo " status $?"
"""
result = run(LIBRARY, "/bin/sh", "-c", STORM, timeout=100,
             TARN="leaks,leaks_signal=USR2,only=perl,leaks_exitcode=0")
expect(result.stdout == "100 status 0\n", "perl's output", result.stdout)
expect("SUMMARY: tarn:" in result.stderr or "no leaks" in result.stderr, "reports", result.stderr)

for name in "NO", "KILL", "0", "65":
    result = run(LIBRARY, "/bin/true", TARN=f"leaks,leaks_signal={name}")
    expect(result.returncode == 0 and result.stderr ==
           f"tarn: leaks_signal={name}: no signal of that name can be caught\n", "one line",
           result.stderr)
