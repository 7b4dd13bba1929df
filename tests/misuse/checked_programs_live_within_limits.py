#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: under RLIMIT_AS (ulimit -v) what remembers blocks leaves most of the limit to them: small
# blocks of a program do not take a mapping each.

import resource
import subprocess
import sys

from reports import expect

LIBRARY, SUBJECT = sys.argv[1:3]
PROGRAM = 'my @all; push @all, "x" x 100 for 1..60000; print scalar(@all), "\\n"'
LIMIT = 200 << 20


def limited():
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))


for mode in ("harden", "canary", "poison", "debug", "leaks,leaks_exitcode=0",
             "trace,trace_file=/dev/null,symbolizer=none"):
    result = subprocess.run(["perl", "-e", PROGRAM], capture_output=True, text=True, check=False,
                            timeout=120, preexec_fn=limited,
                            env={"LD_PRELOAD": LIBRARY, "TARN": mode})
    expect((result.returncode, result.stdout) == (0, "60000\n"), f"60000 strings under {mode}",
           result)
