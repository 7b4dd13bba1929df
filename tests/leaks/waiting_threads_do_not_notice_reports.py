#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: a report stops the other threads without ending what they wait in: no EINTR, no shorter
# sleep, and none without end however many reports there are. Signals of the program still end it.

import sys

from report import expect, run

LIBRARY, SUBJECT = sys.argv[1:3]

for mode in "leaks", "leaks,stw=fork", "leaks,sample=512k":
    result = run(LIBRARY, SUBJECT, TARN=mode + ",leaks_exitcode=0,symbolizer=none,log=/dev/null")
    expect((result.returncode, result.stdout) == (0, "4 signals\n"), f"only signals under {mode}",
           result)

result = run(LIBRARY, SUBJECT, "by signal",
             TARN="leaks,leaks_signal=USR2,leaks_exitcode=0,symbolizer=none,log=/dev/null")
expect((result.returncode, result.stdout) == (0, "4 signals\n"), "no signal but the program's", result)
