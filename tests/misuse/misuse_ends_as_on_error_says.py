#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: on_error, exitcode, log and mismatch do what the manual says of them.

import os
import signal
import subprocess
import sys
import tempfile
import time

from reports import expect, reports, run_subject, title

LIBRARY, SUBJECT = sys.argv[1:3]


def ends(options, *kinds, **more):
    result = run_subject(LIBRARY, SUBJECT, *kinds, TARN=f"debug,symbolizer=/nowhere,{options}",
                         **more)
    return result.returncode, [title(report) for report in reports(result.stderr)], result.stdout


DOUBLE = ["attempting double-free"]
for options, wanted in {
    "on_error=abort": (-signal.SIGABRT, DOUBLE, ""),
    "on_error=exit": (99, DOUBLE, ""),
    "on_error=exit,exitcode=7": (7, DOUBLE, ""),
    "on_error=exit,exitcode=0": (0, DOUBLE, ""),
    "on_error=continue": (99, DOUBLE, "goes on\n"),
    "on_error=continue,exitcode=3": (3, DOUBLE, "goes on\n"),
    "on_error=continue,exitcode=0": (0, DOUBLE, "goes on\n"),
}.items():
    seen = ends(options, "double_free")
    expect(seen == wanted, f"{wanted} with {options}", seen)

# Programs without misuse end as they do.
for options in "on_error=continue", "on_error=exit", "on_error=abort":
    expect(ends(options, "nothing") == (0, [], "goes on\n"), "nothing found", options)

# Each is reported, and once.
seen = ends("on_error=continue", "double_free", "free_inside", "double_free", "overflow")
expect(seen == (99, DOUBLE + ["attempting free", "heap-buffer-overflow"], "goes on\n"),
       "three reports", seen)

# What nobody can have is refused, which is no reason to end.
seen = ends("on_error=abort", "impossible_sizes")
expect(seen[0] == 0 and seen[2] == "goes on\n" and len(seen[1]) == 1 and
       seen[1][0].startswith("allocation-size-too-big"), "one report", seen)

# Whatever asks for it, and in whichever mode. Without stacks they are one error.
for options, wanted in ("debug,symbolizer=/nowhere", 7), ("canary,symbolizer=/nowhere", 7), ("harden", 1):
    result = run_subject(LIBRARY, SUBJECT, "impossible_products", TARN=options)
    expect((result.returncode, result.stdout) == (0, "goes on\n"), f"no end with {options}", result)
    lines = result.stderr.splitlines()
    expect("refused" in lines, f"errno ENOMEM of each with {options}", result.stderr)
    seen = [line for line in lines if "more than any object can have" in line]
    expect(len(seen) == wanted, f"{wanted} reports with {options}", result.stderr)
    product = "8589934592 times 8589934592" if options == "harden" else "0x200000000 times 0x200000000"
    expect(product in seen[0], "both factors", seen[0])

seen = ends("mismatch=off", "new_array_and_free", "delete_of_another_size", "malloc_and_delete")
expect(seen == (0, [], "goes on\n"), "no mismatch", seen)

# An unknown value is named.
result = run_subject(LIBRARY, SUBJECT, "nothing", TARN="on_error=never,check_every=often,poison=yes")
for words in "on_error=never", "check_every=often", "poison=yes":
    name, value = words.split("=")
    expect(any(name in line and f"'{value}'" in line for line in result.stderr.splitlines()),
           f"a line about {words}", result.stderr)

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "%e.txt")
    seen = ends(f"log={path}", "double_free")
    expect(seen == (-signal.SIGABRT, [], ""), "nothing on standard error", seen)
    with open(os.path.join(folder, "misuse_subject.txt"), encoding="utf-8") as file:
        expect([title(report) for report in reports(file.read())] == DOUBLE, "it in the log", "")

# Stopped, until somebody has it go on.
environment = {key: value for key, value in os.environ.items() if not key.startswith("TARN")}
with subprocess.Popen([SUBJECT, "double_free"], stdin=subprocess.DEVNULL, text=True,
                      stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                      env={**environment, "LD_PRELOAD": LIBRARY,
                           "TARN": "debug,on_error=stop,symbolizer=/nowhere"}) as process:
    lines = []
    while not lines or "stopped for a debugger" not in lines[-1]:
        line = process.stderr.readline()
        expect(line, "a line that says it is stopped", lines)
        lines.append(line)
    expect(f"gdb -p {process.pid};" in lines[-1], "the process to look at", lines[-1])
    _, how = os.waitpid(process.pid, os.WUNTRACED)
    expect(os.WIFSTOPPED(how), "it stopped", how)
    time.sleep(0.1)
    process.send_signal(signal.SIGCONT)
    output, _ = process.communicate(timeout=60)
    expect((process.returncode, output) == (99, "goes on\n"), "it to go on",
           (process.returncode, output))
