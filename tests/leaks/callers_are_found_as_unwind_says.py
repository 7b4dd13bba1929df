#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: unwind= chooses by what the calls of a stack are found: unwind tables, frame pointers, both or
# libunwind. By default a stack goes on through code without tables, as of just-in-time compilers.

import os
import pathlib
import re
import subprocess
import sys
import tempfile

from report import entries, expect, run

LIBRARY, TABLES, POINTERS, BOTH = sys.argv[1:]

OURS = ["inner", "middle", "directly", "outer", "main"]
GENERATED = ["inner", "middle", "generated", "outer", "main"]
HANDLER = ["inner", "middle", "directly", "outer", "on_signal", "main"]


def stack_of(subject, how, unwind):
    """The calls of the subject's leak, from inside, without their addresses."""
    result = run(LIBRARY, subject, how, TARN=f"leaks,leaks_show=all,unwind={unwind}")
    found = [calls for _, size, _, calls in entries(result.stderr) if size == 333]
    expect(len(found) == 1, f"one leak of 333 bytes with unwind={unwind}", result.stderr)
    return re.sub(r"^    #\d+ 0x[0-9a-f]+ ", "", found[0], flags=re.MULTILINE)


def functions_of(stack):
    """Those of the subject's own."""
    names = re.findall(r"^in (\S+)|no file known: (generated) code", stack, re.MULTILINE)
    return [name or generated for name, generated in names if name in OURS + HANDLER + [""]]


# What is compiled how, and what is found. By libunwind code without tables is guessed at.
for subject, how, unwind, wanted in [
        (TABLES, "directly", "auto", OURS),
        (TABLES, "directly", "cfi", OURS),
        (TABLES, "directly", "libunwind", OURS),
        (TABLES, "signal", "auto", HANDLER),
        (TABLES, "signal", "libunwind", HANDLER),
        (TABLES, "generated", "auto", GENERATED),
        (TABLES, "generated", "cfi", GENERATED[:3]),
        (POINTERS, "directly", "auto", OURS),
        (POINTERS, "directly", "cfi", OURS[:1]),
        (POINTERS, "directly", "fp", OURS),
        (POINTERS, "signal", "auto", HANDLER),
        (POINTERS, "generated", "auto", GENERATED),
        (POINTERS, "generated", "fp", GENERATED),
        (BOTH, "directly", "auto", OURS),
        (BOTH, "directly", "cfi", OURS),
        (BOTH, "directly", "fp", OURS),
        (BOTH, "directly", "libunwind", OURS),
        (BOTH, "signal", "fp", HANDLER[:-1]), # raise() has none
        (BOTH, "generated", "fp", GENERATED)]:
    seen = functions_of(stack_of(subject, how, unwind))
    expect(seen == wanted, f"{wanted} of {os.path.basename(subject)} {how} with unwind={unwind}", seen)

# Line by line, those of libc and of the kernel's too.
for how in "directly", "signal":
    by_us, by_libunwind = stack_of(TABLES, how, "auto"), stack_of(TABLES, how, "libunwind")
    expect(by_us == by_libunwind, by_libunwind, by_us)

with tempfile.TemporaryDirectory() as folder:
    with open(os.path.join(folder, "libunwind-x86_64.so.8"), "w", encoding="utf-8"):
        pass
    result = run(LIBRARY, TABLES, "directly", TARN="leaks,leaks_show=all,unwind=libunwind",
                 LD_LIBRARY_PATH=folder)
    expect("tarn: unwind=libunwind: there is no libunwind" in result.stderr
           and "in middle" in result.stderr, "one line, and stacks", result.stderr)

# A real compiler: its code calls node's functions, which allocate.
SCRIPT = """
function few(n) { const all = []; for (let i = 0; i < n; ++i) all.push(Buffer.allocUnsafeSlow(70000));
                  return all.length; }
let sum = 0; for (let i = 0; i < 200; ++i) sum += few(10); console.log(sum);
"""


def stacks_of_node(unwind, *options):
    """Those in a trace that go through generated code, each a list of lines."""
    with tempfile.TemporaryDirectory() as folder:
        folded = os.path.join(folder, "profile")
        environment = {"LD_PRELOAD": LIBRARY, "HOME": folder, "PATH": os.environ["PATH"],
                       "TARN": f"trace,unwind={unwind},trace_max=1000,trace_file={folded}"}
        result = subprocess.run(["node", *options, "-e", SCRIPT], capture_output=True, text=True, check=False,
                                env=environment, timeout=200)
        expect((result.returncode, result.stdout) == (0, "2000\n"), "node's own output", result)
    for process in set(re.findall(r"^==(\d+)==", result.stderr, re.MULTILINE)):
        pathlib.Path(f"/tmp/perf-{process}.map").unlink(missing_ok=True)
    stacks = re.split(r"\n==\d+==[^\n]*", result.stderr)
    return [stack.splitlines() for stack in stacks if "generated code" in stack]


def count(stacks):
    """How many there are, and how many end in generated code."""
    return len(stacks), sum("generated code" in lines[-1] for lines in stacks)


through, last = count(stacks_of_node("auto"))
expect(through > 20 and last * 10 < through, "stacks through generated code", (through, last))
through, last = count(stacks_of_node("cfi"))
expect(through > 20 and last == through, "stacks that end at generated code", (through, last))

# Where it says what its code is, that has names.
named = [line for lines in stacks_of_node("auto", "--perf-basic-prof") for line in lines
         if line.endswith("(generated code)")]
expect(any("few [eval]" in line for line in named), "the function few()", named)
