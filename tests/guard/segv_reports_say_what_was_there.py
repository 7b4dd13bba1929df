#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: a program with checks that dies of SIGSEGV says what the address was and where the access
# came from; a pointer read from freed memory names that block and its stacks. The status is as
# without checks.

import os
import sys
import tempfile

from report import expect, run, stacks

LIBRARY, SUBJECT = sys.argv[1:3]
SEGV = -11

CASES = {
    "null": ("SEGV on unknown address 0x", "A null pointer was followed", "touch"),
    "wild": ("SEGV on unknown address 0x123456789000", "READ at 0x123456789000", "touch"),
    "stale": ("use of a pointer read from freed memory", "The pointer was read from the 24-byte",
              None),
    "stale_call": ("use of a pointer read from freed memory", "The pointer was read from the 24-b",
                   None),
    "thread": ("use of a pointer read from freed memory", "by thread T1", None),
    "unset": ("use of a pointer read from a new block that was never written to", "Register",
              None),
    "large_freed": ("heap-use-after-free", "is located 100000 bytes inside of 3145728-byte",
                    "touch"),
    "deep": ("stack-overflow", "more calls", "recurse"),
    "deep_thread_allocates": ("stack-overflow", "by thread T101:", "recurse"),
}

for case, (error, detail, function) in CASES.items():
    for options in ("debug", "poison") if function else ("debug",):
        result = run(LIBRARY, SUBJECT, case, TARN=options)
        text = result.stderr
        expect(result.returncode == SEGV, f"{case} to die of SIGSEGV", result)
        expect(error in text and detail in text, f"'{error}' and '{detail}' for {case}", text)
        expect(function is None or stacks(text)["access"][0] == function,
               f"{function} first for {case}", text)
for case in ("stale", "stale_call", "thread"):
    found = stacks(run(LIBRARY, SUBJECT, case, TARN="debug").stderr)
    expect(found["freed"][0] == "new_node" and found["allocated"][0] == "new_node",
           f"stacks of the block for {case}", found)

# Who writes until there is nothing left is told at which block that began.
for case, size in (("run_away", 100), ("run_away_mid", 50_000), ("run_away_large", 500_000),
                   ("run_away_between_others", 100)):
    for options in "debug", "canary", "debug,stacks=off,on_error=continue":
        result = run(LIBRARY, SUBJECT, case, TARN=options)
        text = result.stderr
        expect(result.returncode == SEGV and text.count("ERROR: AddressSanitizer") == 2 and
               "SEGV on unknown address" in text.split("SUMMARY")[0], f"two reports of {case}", text)
        second = text.split("SUMMARY")[1]
        expect("heap-buffer-overflow" in second and "noticed after the access above" in second and
               f"0 bytes after {size}-byte region" in second, f"the block of {case}", text)
        expect(options != "debug" or stacks(second)["allocated"][0] == "run_away",
               f"where that of {case} was allocated", text)

# A call of what is no code is not taken for an overflow.
for options in "debug", "guard=all":
    result = run(LIBRARY, SUBJECT, "jump_into_block", TARN=options)
    text = result.stderr
    expect(result.returncode == SEGV and ", a block, which cannot be executed, in thread T0" in text and
           "\nJUMP at 0x" in text and "is located 0 bytes inside of 40-byte region" in text and
           text.endswith("SUMMARY: tarn: SEGV in segv_subject\n"), "a jump into a block", text)
result = run(LIBRARY, SUBJECT, "behind_a_file", TARN="debug")
expect(result.returncode == -7 and "AddressSanitizer: BUS on unknown" in result.stderr and
       result.stderr.endswith("SUMMARY: tarn: BUS in segv_subject\n"), "a bus error", result.stderr)

# Nor is where it jumped to looked at.
result = run(LIBRARY, SUBJECT, "wild_jump", TARN="guard=all")
expect(result.returncode == SEGV and "SUMMARY: tarn: SEGV in segv_subject" in result.stderr,
       "a report of a jump to nowhere", result)

# A child waits for no report of its parent's, which takes three seconds here.
with tempfile.TemporaryDirectory() as directory:
    helper = f"{directory}/helper"
    with open(helper, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\nmkdir {directory}/first 2> /dev/null && sleep 3\ncat > /dev/null\n")
    os.chmod(helper, 0o755)
    result = run(LIBRARY, SUBJECT, "fork_while_reporting", TARN=f"debug,symbolizer={helper}")
    expect(result.returncode == -6 and "the child first\n" in result.stdout, "the child's end",
           result)

# Who crashes in the same place at the same time lets the first one finish what it says.
for _ in range(10):
    result = run(LIBRARY, SUBJECT, "wild_in_eight_threads", TARN="debug")
    expect(result.returncode == SEGV and "unknown address 0x123456789000" in result.stderr and
           "SUMMARY: tarn: SEGV in segv_subject" in result.stderr, "a whole report", result)

# Threads have a stack for the handler, until they end, unless they take another one.
result = run(LIBRARY, SUBJECT, "own_alternate_stack", TARN="debug")
expect(result.returncode == 0 and result.stdout + result.stderr in ("own\n",), "no harm", result)

# Sent by somebody, or where no handler can run, as in a thread that has never allocated: nothing to
# say, and no harm.
for case in ("raise", "deep_thread"):
    result = run(LIBRARY, SUBJECT, case, TARN="debug")
    expect(result.returncode == SEGV and result.stderr == "", f"a silent end of {case}", result)
expect(run(LIBRARY, SUBJECT, "stale", TARN="debug,on_error=exit,exitcode=42").returncode == 42,
       "exit status 42", "another one")
result = run(LIBRARY, SUBJECT, "null")
expect(result.returncode == SEGV and result.stderr == "", "nothing without checks", result)
