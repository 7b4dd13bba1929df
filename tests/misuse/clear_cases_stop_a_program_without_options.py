#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: without any option, a free that a slow path sees to be wrong is one line and the end of
# the program, or what on_error says; foreign pointers are left alone.

import re
import signal
import sys

from reports import expect, run_subject

LIBRARY, SUBJECT = sys.argv[1:3]
NO_BLOCK = "free of ADDRESS, where no block begins"

for kind, wanted in {
    "free_inside": NO_BLOCK,
    "free_inside_by_a_byte": NO_BLOCK,
    "free_inside_mid": NO_BLOCK,
    "free_before": NO_BLOCK,
    "double_free_mid": "double free of ADDRESS",
}.items():
    result = run_subject(LIBRARY, SUBJECT, kind, TARN="")
    line = re.sub("0x[0-9a-f]+", "ADDRESS", result.stderr)
    expect(re.fullmatch(rf"tarn: {wanted}, in misuse_subject, process \d+; TARN=debug says more\n",
                        line) and result.returncode == -signal.SIGABRT, f"{wanted} of {kind}", result)
    result = run_subject(LIBRARY, SUBJECT, kind, TARN="on_error=continue")
    expect((result.returncode, result.stdout) == (0, "goes on\n") and
           result.stderr.startswith("tarn: "), f"{kind} goes on", result)
    result = run_subject(LIBRARY, SUBJECT, kind, TARN="on_error=exit,exitcode=7")
    expect(result.returncode == 7, f"{kind} exits", result)

for kind in "free_stack", "free_static", "nothing":
    result = run_subject(LIBRARY, SUBJECT, kind, TARN="")
    expect((result.returncode, result.stderr) == (0, ""), f"nothing of {kind}", result)
