#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The fast paths take as many instructions as fast_path.txt says, and the same in every mode.

Usage: fast_path_takes_no_more_instructions.py SUBJECT LIBRARY GOLDEN [--update]

A change that makes a path longer fails, so that it shows in a review as a changed line of that file
or not at all. One that makes a path shorter passes and says so; --update writes the new figures.
"""

import sys

import callgrind
from callgrind import Failed

# Name in fast_path.txt, loop of the subject, function as callgrind calls it.
CASES = [
    ("malloc", "loop_of_small_blocks", "malloc"),
    ("free", "loop_of_small_blocks", "free"),
    ("malloc of 4000 bytes", "loop_of_medium_blocks", "malloc"),
    ("free of 4000 bytes", "loop_of_medium_blocks", "free"),
    ("calloc less its memset", "loop_of_zeroed_blocks", "calloc"),
    ("aligned_alloc", "loop_of_aligned_blocks", "aligned_alloc"),
    ("operator new", "loop_of_objects", "operator new(unsigned long)"),
    ("operator delete with a size", "loop_of_objects", "operator delete(void*, unsigned long)"),
    ("malloc_usable_size", "loop_of_questions", "malloc_usable_size"),
]

# Whatever the golden file says. Source: issue "libtarn.so", section 8.
LIMITS = {"malloc": 17, "free": 22}

# Counting and reporting must cost the fast path nothing.
MODES = ["", "stats"]

HEADER = """\
# Instructions of libtarn.so from the function's first to its ret, when the thread cache answers:
# g++ 12 of Debian 12, release build, x86-64. Checked by fast_path_takes_no_more_instructions.py,
# which also writes it (--update).
"""


def measure(subject, library, mode):
    few, many = callgrind.difference(subject, library, options=mode)
    return {name: callgrind.cost_of_call(few, many, caller, callee)
            for name, caller, callee in CASES}


def read_golden(path):
    with open(path, encoding="utf-8") as file:
        lines = [line.split("#")[0].strip() for line in file]
    figures = {}
    for line in filter(None, lines):
        count, name = line.split(maxsplit=1)
        figures[name] = int(count)
    return figures


def write_golden(path, figures):
    with open(path, "w", encoding="utf-8") as file:
        file.write(HEADER)
        file.writelines(f"{count:3} {name}\n" for name, count in figures.items())


def compare(figures, golden, mode):
    under = f"TARN={mode}" if mode else "no options"
    if golden.keys() != figures.keys():
        raise Failed(f"fast_path.txt has other functions: {sorted(golden)}")
    longer = [f"{name}: {figures[name]} instructions under {under}, fast_path.txt allows {count}"
              for name, count in golden.items() if figures[name] > count]
    longer += [f"{name}: {figures[name]} instructions, never more than {limit} are allowed"
               for name, limit in LIMITS.items() if figures[name] > limit]
    if longer:
        raise Failed("\n".join(longer))


def check():
    subject, library, path = sys.argv[1:4]
    measured = [measure(subject, library, mode) for mode in MODES]
    if "--update" in sys.argv[4:]:
        write_golden(path, measured[0])
    golden = read_golden(path)
    for figures, mode in zip(measured, MODES):
        compare(figures, golden, mode)
        if figures != measured[0]:
            raise Failed(f"TARN={mode} changes the fast paths: {measured[0]} -> {figures}")
    for name, count in golden.items():
        if measured[0][name] < count:
            print(f"{name}: {measured[0][name]} instructions, fast_path.txt still says {count}; "
                  f"to update it: {' '.join(sys.argv)} --update")


callgrind.main(check)
