#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: one report, and the exit status that says so, on every way to end but SIGKILL; a process
# that ends by a signal still does.

import signal
import sys

from report import expect, run_subject, summary

LIBRARY, SUBJECT = sys.argv[1:3]

# Way to end: exit status with a leak, and without.
ENDS = {
    "return": (23, 0),
    "exit": (23, 3),
    "quick_exit": (23, 3),
    "_exit": (23, 3),
    "_Exit": (23, 3),
    "thread": (23, 3),
    "pthread_exit": (23, 0),
    "abort": (-signal.SIGABRT, -signal.SIGABRT),
    "failed_exec": (23, 3),
}
for number in signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGABRT:
    ENDS[f"signal{int(number)}"] = (-number, -number)
for name in "execve", "execv", "execvp", "execl", "execlp", "execle":
    ENDS[name] = (3, 3) # the status of the next program

for end, statuses in ENDS.items():
    for shape, status in zip(("block", "nothing"), statuses):
        result = run_subject(LIBRARY, SUBJECT, shape, end, TARN="leaks,verbose")
        expect(result.returncode == status, f"status {status} from {shape} {end}",
               f"{result.returncode}, {result.stderr}")
        reports = result.stderr.count("LEAK SUMMARY")
        wanted = 1 if shape == "block" else 0
        expect(reports == wanted, f"{wanted} report(s) from {shape} {end}",
               f"{reports}: {result.stderr}")
        if shape == "block":
            expect(summary(result.stderr)["definite"][1] == 1, "one lost block", result.stderr)
            expect(" in make " in result.stderr, "where it was allocated", result.stderr)
        else:
            lines = 0 if "exec" in end and end != "failed_exec" else 1
            expect(result.stderr.count("no leaks in leaks_subject") == lines,
                   f"{lines} line(s) that say so", repr(result.stderr))
        if end not in ("quick_exit",):
            expect(result.stdout == "output of the program", f"the output before {end}",
                   repr(result.stdout))

# A thread that waits for input holds the lock of stdin.
result = run_subject(LIBRARY, SUBJECT, "block_and_reader_of_stdin")
expect(result.returncode == 23, "status 23 while a thread reads stdin", result.returncode)

# After the main thread has ended, /proc/self is that of a zombie.
result = run_subject(LIBRARY, SUBJECT, "global", "thread_after_main", TARN="leaks,verbose")
expect(result.returncode == 3 and "no leaks in leaks_subject" in result.stderr,
       "no leaks after the main thread's end", f"{result.returncode}, {result.stderr}")
