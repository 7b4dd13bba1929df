# SPDX-License-Identifier: MIT
"""gdb, itself under the preload, stops a program under the preload in its malloc'ed data."""

from pathlib import Path

import harness

EXPECTED_SUM = 2 * sum(n + len(f"node {n}") for n in range(1, 5001))

COMMANDS = [
    "set pagination off",
    "set confirm off",
    "set debuginfod enabled off",
    "break consume",
    "run",
    "print list->value",
    "print list->next->text",
    "print *list->next->next",
    # the program's own malloc, called by the debugger
    "print (char*) memset((void*) calloc(1, 100), 120, 15)",
    "python print('sum in python', sum(i * i for i in range(100000)))",
    "backtrace",
    "continue",
    "finish",
    "continue",
]


def check(workdir):
    gdb = harness.program("gdb", "gdb")
    source = Path(__file__).with_name("sample_program.c")
    sample = workdir / "sample_program"
    harness.plain([harness.program("gcc", "g++"), "-g", "-O0", "-pthread", source, "-o", sample])
    command = [gdb, "-nx", "-batch"]
    for line in COMMANDS:
        command += ["-ex", line]
    output = harness.preloaded([*command, sample], cwd=workdir).decode()
    for wanted in ("$1 = 5000", '$2 = "node 4999"', "value = 4998", "'x' <repeats 15 times>",
                   f"sum in python {sum(i * i for i in range(100000))}", "main () at",
                   f"sum {EXPECTED_SUM}\n", "exited normally]"):
        harness.expect(f"'{wanted.strip()}' in the output of gdb", wanted in output, True)


harness.main(check)
