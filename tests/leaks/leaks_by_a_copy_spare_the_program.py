#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: with stw=fork a program runs on while it is reported on, and does not hear of its copy: by
# SIGCHLD, by wait() or by a pipe that does not end. Who asks by a function, or ends, gets the answer.
# Where there can be no copy, or it cannot read all, the report is made as by default.

import os
import sys
import tempfile

from report import expect, run, summary

LIBRARY, SUBJECT = sys.argv[1:3]

# Asked for names, it waits until the program has gone on.
WAITING_HELPER = """#!/bin/sh
i=0
while [ ! -e {gate} ] && [ $i -lt 500 ]; do sleep 0.02; i=$((i + 1)); done
"""
SEEN = """its child 1 with 7, meanwhile: -1 ECHILD, SIGCHLD 1
end of the pipe 1
report 1
after it: -1 ECHILD, SIGCHLD 1
lost 3
after another: -1 ECHILD, SIGCHLD 1
"""


def report_on(way, is_open=False):
    with tempfile.TemporaryDirectory() as directory:
        gate, log, helper = (os.path.join(directory, name) for name in ("gate", "log", "helper"))
        if is_open:
            os.mkdir(gate)
        with open(helper, "w", encoding="utf-8") as file:
            file.write(WAITING_HELPER.format(gate=gate))
        os.chmod(helper, 0o755)
        result = run(LIBRARY, SUBJECT, way, gate, log,
                     TARN=f"leaks,stw=fork,leaks_signal=USR2,log={log},symbolizer={helper}")
        with open(log, encoding="utf-8") as file:
            return result, file.read()


for way in "nobody", "adopter":
    result, log = report_on(way)
    expect(result.stdout == SEEN, f"nothing seen of the copy of {way}", result)
    expect(result.returncode == 23, "the status of a program that leaks", result.returncode)
    # The second signal comes while the first report waits.
    expect(log.count("tarn: no leak report: the one before is still being made\n") == 1,
           "one report at a time", log)
    expect(log.count("definitely lost: 300 bytes in 3 blocks") == 3, "three reports", log)

for way, reason in ("refused", "Cannot allocate memory"), ("hidden", "the copy has died"):
    result, log = report_on(way, is_open=True)
    expect(log.startswith(f"tarn: stw=fork: {reason}: the report is made as with stw=signal\n"),
           "one line that says why there is no copy", log[:500])
    expect(summary(log)["definite"] == (300, 3) and result.returncode == 23, "the report", result)

result, log = report_on("hidden_from_signal", is_open=True)
expect(log.count("\n") == 1 and "stw=signal can" in log and result.returncode == 0,
       "one line that says what helps", log)
