# SPDX-License-Identifier: MIT
"""Valgrind runs a program under the preload: with our malloc, and with memcheck's in its place.

Valgrind limits what can be mapped where and serialises threads; the program must not notice.
"""

from pathlib import Path

import harness

EXPECTED = f"sum {2 * sum(n + len(f'node {n}') for n in range(1, 5001))}\n".encode()


def check(workdir):
    valgrind = harness.program("valgrind", "valgrind")
    source = Path(__file__).with_name("sample_program.c")
    sample = workdir / "sample_program"
    harness.plain([harness.program("gcc", "g++"), "-g", "-O1", "-pthread", source, "-o", sample])
    for arguments in (["--tool=none"],
                      ["--tool=callgrind", "--callgrind-out-file=/dev/null"],
                      ["--tool=memcheck", "--error-exitcode=9", "--leak-check=full"]):
        own_malloc = ("sample_program",) if "--tool=memcheck" in arguments else ()
        output = harness.preloaded([valgrind, "-q", *arguments, sample], cwd=workdir,
                                   own_malloc=own_malloc)
        harness.expect(f"valgrind {arguments[0]}", output, EXPECTED)


harness.main(check)
