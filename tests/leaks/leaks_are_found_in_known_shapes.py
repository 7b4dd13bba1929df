#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: shapes by which leak checkers are judged are classified as Valgrind does it, byte by byte
# where both look in the same places, also those that it leaves to LeakSanitizer; and a report in
# the middle of what threads do finds nothing that is not there. With stw=fork it is the same.

import sys

from report import blocks, expect, run, summary

LIBRARY, SUBJECT, PLUGIN = sys.argv[1:4]
OPTIONS = sys.argv[4:]  # more of them

# Shape: blocks that are definitely, indirectly, possibly lost; at least so many more than of
# "nothing" can be reached.
SHAPES = {
    # Valgrind's nine cases, and those of its tests of trees and rings.
    "case_1": (0, 0, 0, 1),
    "case_2": (0, 0, 0, 2),
    "case_3": (1, 0, 0, 0),
    "case_4": (1, 1, 0, 0),
    "case_5": (0, 0, 1, 0),
    "case_6": (0, 0, 1, 1),
    "case_7": (0, 0, 2, 0),
    "case_8": (0, 0, 2, 0),
    "case_9": (1, 1, 0, 0),
    "lost_tree": (1, 14, 0, 0),
    "tree_without_a_branch": (1, 6, 0, 8),
    "branch_without_a_tree": (1, 7, 0, 7),
    "kept_ring": (0, 0, 0, 5),
    "ring_before_a_ring": (1, 6, 0, 0),
    "ring_behind_a_ring": (1, 6, 0, 0),
    "points_to_itself": (1, 0, 0, 0),
    # What is a pointer to a block, and what is not.
    "empty": (1, 0, 0, 0),
    "kept_empty": (0, 0, 0, 1),
    "ends_of_full_blocks": (30, 0, 0, 6),
    "disguised": (1, 0, 0, 0),
    "beside_a_word": (1, 0, 0, 1),
    "resized_too_far": (0, 0, 0, 1),
    "resized_to_zero": (0, 0, 0, 0),
    "kept_unreadable_page": (0, 0, 0, 3),
    "lost_unreadable_page": (1, 2, 0, 0),
    "kept_unreadable_large": (0, 0, 0, 3),
    "lost_unreadable_large": (1, 2, 0, 0),
    # Where pointers may be.
    "initialised_data": (0, 0, 0, 1),
    "data_of_a_library": (0, 0, 0, 1),
    "data_of_an_unloaded_library": (1, 0, 0, 0),
    "own_tls": (0, 0, 0, 1),
    "tls_of_a_library": (0, 0, 0, 1),
    "few_keys": (0, 0, 0, 3),
    "many_keys": (0, 0, 0, 100),
    "deep_in_the_stack": (1, 0, 0, 0),
    # What C++ makes.
    "array_with_a_count": (0, 0, 0, 1),
    "second_base": (0, 0, 0, 1),
    "second_member": (0, 0, 1, 0),
    "behind_a_length": (0, 0, 0, 1),
    "behind_another_number": (0, 0, 1, 0),
    "old_string": (0, 0, 0, 1),
    "first_base": (0, 0, 0, 1),
    "kept_words": (0, 0, 0, 22),
    "lost_words": (1, 11, 0, 0),
    "friends": (1, 1, 0, 0),
    "map_of_words": (0, 0, 0, 0),
}

# Of these Valgrind says something else: it knows the block with a thread's TLS by its middle only,
# and its own heap lies where small numbers look like pointers into large blocks. For the long list
# it takes long.
OTHERS = {
    "long_list": (1, 399999, 0, 0),
    "huge": (1, 0, 0, 0),
    "ends_of_large_blocks": (5, 0, 0, 1),
    "behind_its_end": (1, 0, 0, 0),
    "tls_of_a_thread": (0, 0, 0, 2),
    "tls_of_a_library_in_a_thread": (0, 0, 0, 2),
    "many_keys_of_a_thread": (0, 0, 0, 101),
    "register": (0, 0, 0, 2),
    "freed_when_a_thread_ends": (0, 0, 0, 0),
    "end_on_another_stack": (0, 0, 0, 1),
}

# With checks blocks begin behind a canary, not at multiples of 128: then ld.so, which aligns what it
# knows of a library, points into that block only (glibc 2.36, elf/dl-find_object.c).
BLOCKS_OF_A_LIBRARY = {"data_of_a_library": 1, "data_of_an_unloaded_library": 1,
                       "tls_of_a_library": 1, "tls_of_a_library_in_a_thread": 1} if "debug" in OPTIONS else {}


def leaks(*shapes):
    # Names are not what this is about, and take ten times as long.
    result = run(LIBRARY, SUBJECT, PLUGIN, *shapes,
                 TARN=",".join(["leaks,leaks_show=all,symbolizer=/nowhere", *OPTIONS]))
    expect(summary(result.stderr) is not None, f"a report for {shapes}", result)
    return result


fewest = blocks(leaks("nothing").stderr, "nothing")["reachable"]
for shape, wanted in {**SHAPES, **OTHERS}.items():
    result = leaks(shape)
    seen = blocks(result.stderr, shape)
    seen["possible"] -= BLOCKS_OF_A_LIBRARY.get(shape, 0)
    lost = tuple(seen[name] for name in ("definite", "indirect", "possible"))
    expect(lost == wanted[:3], f"{wanted[:3]} lost of {shape}", f"{lost} {result.stderr[-3000:]}")
    expect(seen["reachable"] >= fewest + wanted[3],
           f"{wanted[3]} blocks of {shape} beside {fewest} that can be reached", seen["reachable"])
    expect(result.returncode == (23 if wanted[0] else 0), f"the status of {shape}",
           f"{result.returncode} {result.stderr[-500:]}")

# The subject ends with another status if one of its reports finds something.
for shape in "while_threads_begin", "while_threads_allocate":
    result = leaks(shape)
    expect(result.returncode == 0, f"nothing lost {shape}",
           f"{result.returncode} {result.stderr[-3000:]}")
    expect(result.stderr.count("LEAK SUMMARY") > 8, f"reports {shape}", result.stderr[-500:])

# A child of a process with threads knows what these knew.
result = leaks("in_child_of_threads")
expect((result.returncode, result.stdout) == (0, "child 0\n"), "nothing lost in the child", result)

# All of them in one process.
judge = run(None, "/usr/bin/valgrind", "--leak-check=full", SUBJECT,
            PLUGIN, *SHAPES, timeout=100)
ours, wanted = (summary(text) for text in (leaks(*SHAPES).stderr, judge.stderr))
for name in "definite", "indirect", "possible":
    of_library = name == "possible" and BLOCKS_OF_A_LIBRARY
    expect(wanted is not None and
           (ours[name][1] == wanted[name][1] + 1 if of_library else ours[name] == wanted[name]),
           f"what Valgrind calls {name}: {wanted and wanted[name]}", ours[name])
