#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: a program that handles SIGSEGV itself gets what it would without checks, reads back what
# it has set and never sees our handler; with guards, too, but for accesses to guarded blocks, which
# are reported first.

import sys

from report import expect, run

LIBRARY, SUBJECT = sys.argv[1:3]

CASES = ("handler", "action", "reset", "ignore", "use")

for case in CASES:
    plain = run(None, SUBJECT, case)
    for options in ("debug", "debug,guard=all", "guard=1/3"):
        result = run(LIBRARY, SUBJECT, case, TARN=options)
        expect((result.returncode, result.stdout) == (plain.returncode, plain.stdout),
               f"{case} with {options} as without: {plain}", result)
        expect(result.stderr == "" or case == "reset", f"no report for {case}", result.stderr)
for options in ("debug", "guard=all"):
    result = run(LIBRARY, SUBJECT, "back", TARN=options)
    expect(result.returncode == -11 and "SEGV on unknown address 0x" in result.stderr,
           "a report once the default is back", result)
    expect(result.stdout == "", "its own handler back", result.stdout)
result = run(LIBRARY, SUBJECT, "guarded_handler", TARN="guard=all")
expect("heap-use-after-free" in result.stderr and result.stdout == "own handler\n" and
       result.returncode == 99, "a report, then the program's own handler, and exitcode", result)
