#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: suppressions of LeakSanitizer and of Valgrind apply, to what is lost with a block, too; they
# are counted, and what is not understood is said.

import os
import re
import shutil
import subprocess
import sys
import tempfile

from report import expect, run

LIBRARY, SUBJECT, PLUGIN, OTHER_PLUGIN, CHAIN = sys.argv[1:6]

SIZES = [1001, 1003, 1005, 1007, 1009, 1011, 1013, 1015, 1017, 1019, 1021, 1023, 3000001, 1025, 1027,
         1031, 1033]


def report(text, *command):
    with tempfile.NamedTemporaryFile("w", suffix=".supp") as file:
        file.write(text)
        file.flush()
        return run(LIBRARY, *command, TARN=f"leaks,leaks_max=100,suppressions={file.name}")


def left_after(text):
    result = report(text, SUBJECT, PLUGIN, OTHER_PLUGIN)
    left = [int(total) // int(blocks) for total, blocks in
            re.findall(r"^Direct leak of (\d+) byte\(s\) in (\d+) ", result.stderr, re.MULTILINE)]
    return sorted(set(SIZES) - set(left)), result


BLOCK = "{{\n   a name\n   Memcheck:Leak\n   match-leak-kinds: definite\n{}}}\n"


def valgrind(*lines):
    return BLOCK.format("".join(f"   {line}\n" for line in lines))


for text, wanted in [
        ("leak:has_inlined\n", [1001]),
        ("# a comment\n\nleak:^recurse$\n", []),
        ("leak:recurse\nleak:one_place\n", [1003, 1031]),
        ("leak:plugin\n", [1025, 1027]), # a part of the modules' and the functions' names
        ("leak:stacks_subject.cc\n", SIZES), # main is in it
        (valgrind("fun:malloc", "fun:*called_from_two_places*", "fun:*one_place*"), [1031]),
        (valgrind("fun:*called_from_two_places*", "fun:*place*"), [1031, 1033]),
        (valgrind("...", "fun:*uses_plugin*"), [1025, 1027]),
        (valgrind("fun:malloc", "obj:*second*"), [1027]),
        (valgrind("fun:*one_place*"), []), # not innermost
        (valgrind("fun:_ZN*uses_calloc*"), [1021]), # as the linker has it
        (valgrind("fun:*", "fun:main"), None),
        ("{\n  other\n  Memcheck:Cond\n  fun:main\n}\n" + "leak:aligns\n", [1023])]:
    suppressed, result = left_after(text)
    if wanted is not None:
        expect(suppressed == sorted(wanted), f"{wanted} to be suppressed by {text!r}",
               f"{suppressed} {result.stderr[-900:]}")
    expect("suppressed=" not in result.stderr, "no complaint", result.stderr[:300])
    if len(suppressed) == len(SIZES):
        expect((result.returncode, result.stderr) == (0, ""), "silence", result)
        continue
    counted = int(re.search(r"suppressed: [\d,]+ bytes in (\d+) blocks", result.stderr)[1])
    expect((counted != 0) == bool(suppressed), "their number", result.stderr[-600:])
    expect(result.returncode == 23, "the status", result.returncode)

# What is lost with a suppressed block is so, too.
result = report("leak:make\n", CHAIN, "chain", "return")
expect(result.returncode == 0 and "Indirect" not in result.stderr, "nothing lost", result.stderr)

# Each suppression is for some kinds of leaks.
for kinds, wanted in [("definite", [1001]), ("reachable, definite", [1001]), ("all", [1001]),
                      ("indirect,possible,reachable", []), ("none", [])]:
    suppressed, result = left_after(valgrind("...", "fun:*has_inlined*").replace("definite", kinds))
    expect(suppressed == wanted, f"{wanted} to be suppressed as {kinds}", suppressed)

for text, complaint in [("leaks:main\n", "line 1: neither leak:PATTERN nor"),
                        ("leak:no_such\n{\n  name\n  Memcheck:Leak\n  what:ever\n}\n", "line 5"),
                        (valgrind("...", "fun:main", "bogus"), "line 7: not understood: bogus"),
                        ("{\n  name\n  Memcheck:Leak\n  fun:main\n", "not closed")]:
    suppressed, result = left_after(text)
    expect(f"tarn: suppressions=" in result.stderr and complaint in result.stderr,
           f"a complaint with {complaint}", result.stderr[:300])
    expect(suppressed == [], "all to be listed", suppressed)

result = run(LIBRARY, SUBJECT, PLUGIN, OTHER_PLUGIN, TARN="leaks,suppressions=/nowhere")
expect("suppressions=/nowhere: cannot be read" in result.stderr, "a complaint", result.stderr[:300])

# What gen_suppressions prints suppresses, with a name.
result = run(LIBRARY, SUBJECT, PLUGIN, OTHER_PLUGIN, TARN="leaks,leaks_max=100,gen_suppressions")
printed = re.findall(r"^\{\n.*?^\}\n", result.stderr, re.MULTILINE | re.DOTALL)
expect(len(printed) >= len(SIZES), "a suppression for each", len(printed))
suppressed, result = left_after("".join(printed))
expect(suppressed == sorted(SIZES) and result.stderr == "", "all suppressed", result.stderr)

# Valgrind takes it, too: it begins with the allocation and ends with main.
result = run(LIBRARY, CHAIN, "chain", "return", TARN="leaks,gen_suppressions")
printed = re.findall(r"^\{\n.*?^\}\n", result.stderr, re.MULTILINE | re.DOTALL)
for one in printed:
    expect(re.search(r"kinds: \w+\n   fun:\*\n(   .*\n)*   fun:main\n   \.\.\.\n\}$", one), "its shape",
           one)
expect(printed, "a suppression", result.stderr)
if valgrind_program := shutil.which("valgrind"):
    with tempfile.NamedTemporaryFile("w", suffix=".supp") as file:
        file.write("".join(printed))
        file.flush()
        result = subprocess.run([valgrind_program, "--leak-check=full", "--error-exitcode=9",
                                 f"--suppressions={file.name}", CHAIN, "chain", "return"],
                                capture_output=True, text=True, timeout=120)
    expect(result.returncode == 0, "no error of Valgrind's", result.stderr)
    expect(re.search(r"definitely lost: 0 bytes", result.stderr), "nothing lost", result.stderr)

# min_bytes leaves out what is small.
result = run(LIBRARY, SUBJECT, PLUGIN, OTHER_PLUGIN, TARN="leaks,min_bytes=100k")
expect(re.findall(r"^Direct leak of (\d+)", result.stderr, re.MULTILINE) == ["3000001"],
       "the large one only", result.stderr)
expect(re.search(r"\.\.\. and \d+ with less than min_bytes=102400", result.stderr), "the rest",
       result.stderr)
