#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: there is one report, and the status that belongs to it, also if the signal hits malloc or
# fork, two threads end the process at once, a search along PATH goes on, or another library takes
# over the same functions; without memory for it there is one line, and the program's own status.

import os
import signal
import subprocess
import sys

from report import expect, run

LIBRARY, SUBJECT, INTERPOSER = sys.argv[1:4]

TERMINATED = -signal.SIGTERM


def end(way, status, library=LIBRARY, options="leaks,children=off"):
    result = run(library, SUBJECT, way, TARN=options)
    expect(result.returncode == status, f"status {status} of {way}",
           f"{result.returncode} {result.stderr}")
    return result.stderr


def expect_one(way, text):
    # What threads hold in that moment depends on luck, but is not lost.
    expect(text.count("LEAK SUMMARY") == 1 and text.count("Direct leak of") == 1 and
           "Direct leak of 777 byte(s) in 1 object(s)" in text, f"the leak of {way}, once", text)


for way, status in [("malloc", TERMINATED), ("fork", TERMINATED), ("exits", 23),
                    ("quick_exits", 23), ("_exits", 23), ("ignores_children", 23),
                    ("execvp", 3)]:
    text = end(way, status)
    expect_one(way, text)
    expect(" in lose " in text, f"names for {way}", text)
    if way != "execvp":
        for _ in range(10): # without names, which take most of the time
            expect_one(way, end(way, status, options="leaks,children=off,symbolizer=/nowhere"))

for way, status in [("small_exit", 23), ("small__exit", 23), ("small_abort", -signal.SIGABRT),
                    ("abort", -signal.SIGABRT)]:
    for options in "leaks", "leaks,trace,trace_file=/dev/null,symbolizer=none":
        expect_one(way, end(way, status, options=options))

# Not as often: the second one waits for a second.
expect_one("joins", end("joins", 23))

# Nobody reads what is said: the status is that of the report, and not SIGPIPE.
reader, writer = os.pipe()
os.close(reader)
process = subprocess.Popen([SUBJECT, "_exit"], stderr=writer, restore_signals=True,
                           env={**os.environ, "LD_PRELOAD": LIBRARY, "TARN": "leaks"})
os.close(writer)
expect(process.wait() == 23, "the status of a leak that nobody hears of", process.returncode)

text = end("no_memory", 3)
expect(text == "tarn: no leak report: no memory for it\n", "one line", repr(text))

for order in f"{INTERPOSER}:{LIBRARY}", f"{LIBRARY}:{INTERPOSER}":
    for way, status, function in [("_exit", 23, "_exit"), ("execve", 3, "execve"),
                                  ("raise", TERMINATED, "sigaction")]:
        text = end(way, status, order)
        expect_one(f"{way} with {order}", text)
        expect(f"interposed {function}\n" in text, f"{function} to reach {order}", text)
