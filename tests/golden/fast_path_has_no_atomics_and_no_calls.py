#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""malloc and free make no call and no atomic operation when the thread cache answers.

Usage: fast_path_has_no_atomics_and_no_calls.py SUBJECT LIBRARY

callgrind says which instructions each round executes, objdump what they are.
"""

import re
import subprocess
import sys

import callgrind
from callgrind import Failed

# xchg with memory locks by itself; the fences wait like an atomic operation.
FORBIDDEN = re.compile(r"^(lock|call|syscall|int |mfence|lfence|sfence|cpuid|rep|xchg .*\()")


def disassemble(library, addresses):
    """{address: instruction}"""
    listing = subprocess.run(
        ["objdump", "--disassemble", "--no-show-raw-insn", f"--start-address={addresses[0]}",
         f"--stop-address={addresses[-1] + 16}", library],
        check=True, capture_output=True, text=True).stdout
    found = re.findall(r"^\s*([0-9a-f]+):\t(.*?)\s*$", listing, re.MULTILINE)
    return {int(address, 16): instruction for address, instruction in found}


def check_path(library, few, many, function):
    addresses = callgrind.instructions_of(few, many, function)
    if not addresses:
        raise Failed(f"no instruction of {function} is executed in each round")
    listing = disassemble(library, addresses)
    path = [listing.get(address, "?") for address in addresses]
    print(f"{function}:", *path, sep="\n    ")
    if "?" in path:
        raise Failed(f"{function}: objdump and callgrind disagree on where instructions are")
    bad = [instruction for instruction in path if FORBIDDEN.match(instruction)]
    if bad:
        raise Failed(f"{function} executes in each round: {'; '.join(bad)}")
    if sum(instruction.startswith("ret") for instruction in path) != 1:
        raise Failed(f"{function} does not end in one ret of its own")
    cost = callgrind.cost_of_call(few, many, "loop_of_small_blocks", function)
    if len(path) != cost:
        raise Failed(f"{function} is {cost} instructions, of which {len(path)} are its own")


def check():
    subject, library = sys.argv[1:3]
    few, many = callgrind.difference(subject, library, arguments=["small"])
    for function in ("malloc", "free"):
        check_path(library, few, many, function)


callgrind.main(check)
