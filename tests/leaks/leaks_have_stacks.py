#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: a leak is shown with the calls that allocated it, functions and lines, whatever the stack
# was like; without the tarn command with addresses, for which it finds the names later.

import os
import re
import shutil
import subprocess
import sys
import tempfile

from report import expect, run

LIBRARY, TARN, SUBJECT, PLUGIN, OTHER_PLUGIN = sys.argv[1:6]

# Size of the block: the functions that are to be seen, innermost first, at the top of its stack.
STACKS = {
    1001: ["inlined_into", "has_inlined", "main"],
    1003: ["recurse"] * 62, # of 301: 64 calls are listed
    1005: ["realigned", "main"],
    1007: ["handler", "<libc>", "is_interrupted", "main"],
    1009: ["in_fiber", "fiber", "<end>"],
    1011: ["catches", "main"],
    1013: ["in_thread", "<libc>", "<end>"],
    1015: ["reallocates", "main"],
    1017: ["stays_in_place", "main"],
    1019: ["uses_new", "main"],
    1021: ["uses_calloc", "main"],
    1023: ["aligns", "main"],
    3000001: ["is_large", "main"],
    1025: ["first_plugin", "uses_plugin", "main"],
    1027: ["second_plugin", "uses_plugin", "main"],
    1031: ["called_from_two_places", "one_place", "main"],
    1033: ["called_from_two_places", "other_place", "main"],
}
COUNTS = {1005: 3, 1031: 5, 1033: 5}


def stacks(text):
    """{bytes in each block: (blocks, [function and place of each call])}"""
    found = {}
    for total, blocks, lines in re.findall(
            r"^Direct leak of (\d+) byte\(s\) in (\d+) object\(s\) allocated from:\n"
            r"((?:    .*\n)+)", text, re.MULTILINE):
        calls = re.findall(r"^    #(\d+) 0x[0-9a-f]+ (?:in )?(.*)", lines, re.MULTILINE)
        expect([int(number) for number, _ in calls] == list(range(len(calls))), "#0, #1, ...", lines)
        found[int(total) // int(blocks)] = (int(blocks), [call for _, call in calls], lines)
    return found


def is_libc(call):
    return "/libc" in call or "nptl/" in call or "signal/" in call or "posix/" in call


def follows(calls, wanted):
    rest = list(calls)
    for name in wanted:
        if name == "<end>":
            return all(is_libc(call) or "makecontext" in call or "sysdeps" in call for call in rest)
        if name == "<libc>":
            while rest and not re.match(r"(\(anonymous namespace\)::)?is_interrupted", rest[0]) and \
                    (is_libc(rest[0]) or "sysdeps" in rest[0]):
                rest.pop(0)
            continue
        if not rest or not re.match(r"(\(anonymous namespace\)::)?" + name + r"\b", rest[0]):
            return False
        rest.pop(0)
    return True


def run_subject(options):
    result = run(LIBRARY, SUBJECT, PLUGIN, OTHER_PLUGIN, TARN=options, timeout=100)
    expect(result.stdout == "done\n" and result.returncode == 23, "status 23 and the output",
           f"{result.returncode} {result.stdout!r} {result.stderr[-500:]}")
    return result.stderr


def check(text, where):
    found = stacks(text)
    for size, wanted in STACKS.items():
        expect(size in found, f"a leak of {size} bytes {where}", text)
        blocks, calls, lines = found[size]
        expect(blocks == COUNTS.get(size, 1), f"{COUNTS.get(size, 1)} of {size} bytes", blocks)
        expect(follows(calls, wanted), f"{wanted} for {size} bytes {where}", lines)
        expect(size in (1025, 1027) or "stacks_subject.cc:" in calls[0], "file and line", lines)
    expect("... and 2" in found[1003][2] and "more calls" in found[1003][2], "what is left out",
           found[1003][2])


check(run_subject("leaks,leaks_max=100"), "in the report")

# The same by another way: addresses first, names later.
bare = run_subject("leaks,leaks_max=100,symbolizer=/nowhere/tarn")
expect("tarn: symbolizer=/nowhere/tarn: cannot be run" in bare, "a line about the mistake", bare)
expect("No names:" in bare and "tarn symbolize" in bare, "how to find the names", bare)
expect(re.search(r"#0 0x[0-9a-f]+ +\(.*stacks_subject\+0x[0-9a-f]+\) \(BuildId: [0-9a-f]{40}\)",
                 bare), "file, offset and build id", bare)
named = subprocess.run([TARN, "symbolize"], input=bare, capture_output=True, text=True, check=True,
                       env={**os.environ, "LD_PRELOAD": ""})
for function in "inlined_into", "realigned", "handler", "in_fiber", "second_plugin":
    expect(f"{function}" in named.stdout, function, named.stdout)

# depth= keeps the innermost calls.
shallow = stacks(run_subject("leaks,leaks_max=100,depth=2"))
expect(len(shallow[1033][1]) == 2 and "called_from" in shallow[1033][1][0], "two calls",
       shallow[1033][2])

# A line break in the path of the program and of a module: every line stays one, and has its names.
with tempfile.TemporaryDirectory() as directory:
    program = os.path.join(directory, "pro\n==1== gram")
    shutil.copy(SUBJECT, program)
    plugin = os.path.join(directory, "plug\nin.so")
    shutil.copy(PLUGIN, plugin)
    for tarn in ("leaks,leaks_max=100", "leaks,leaks_max=100,gen_suppressions,symbolizer=/nowhere"):
        result = run(LIBRARY, program, plugin, OTHER_PLUGIN, TARN=tarn)
        expect("(by tarn, in pro ==1== gram)" in result.stderr, "the name in a line", result.stderr[:300])
        expect(not re.search(r"^==1==|^in\.so", result.stderr, re.MULTILINE), "no line of its own",
               result.stderr)
        if "symbolizer" not in tarn:
            expect(re.search(r" in first_plugin .*\n", result.stderr), "names", result.stderr)
            expect(" in main " in result.stderr, "names", result.stderr)
