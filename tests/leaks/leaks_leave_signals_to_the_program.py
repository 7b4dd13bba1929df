#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: with leaks=on a program sees the default action of signals that it has not touched, its
# own handlers run, and python3 still turns SIGINT into KeyboardInterrupt.

import sys

from report import expect, run

LIBRARY = sys.argv[1]

PROGRAM = """
import ctypes, os, signal, sys
libc = ctypes.CDLL(None)
libc.signal.restype = ctypes.c_void_p
libc.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
print([signal.getsignal(number) == signal.SIG_DFL
       for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGABRT)])
print(libc.signal(signal.SIGHUP, None), libc.signal(signal.SIGHUP, 1), libc.signal(signal.SIGHUP, 0))
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
try:
    os.kill(os.getpid(), signal.SIGINT)
except KeyboardInterrupt:
    print("interrupted")
signal.signal(signal.SIGTERM, lambda *_: print("handled"))
os.kill(os.getpid(), signal.SIGTERM)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
sys.stdout.flush()
os.kill(os.getpid(), signal.SIGTERM)
"""
result = run(LIBRARY, "/usr/bin/python3", "-c", PROGRAM, TARN="leaks,verbose")
expect(result.stdout == "[True, True, True]\nNone None 1\nTrue\ninterrupted\nhandled\n",
       "defaults, a KeyboardInterrupt and the program's own handler", repr(result.stdout))
expect(result.returncode == -15, "death by SIGTERM", result.returncode)
expect("LEAK SUMMARY" in result.stderr or "no leaks" in result.stderr,
       "a report before it", repr(result.stderr[-300:]))
