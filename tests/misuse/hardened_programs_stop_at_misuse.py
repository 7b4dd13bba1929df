#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: TARN=harden stops a program at each misuse that a free, a realloc or the reuse of memory
# shows, with one line; it clears what is freed, and nobody can tell where the next block lies.

import re
import signal
import sys

from reports import expect, reports, run_subject

LIBRARY, SUBJECT = sys.argv[1:3]
STOPPED = -signal.SIGABRT
BEHIND = "write behind a block"
TWICE = "double free"
NO_BLOCK = "free of ADDRESS, where no block begins"

FOUND = {
    # kind of misuse: beginning of the line
    "double_free": TWICE,
    "double_delete_array": TWICE,
    "double_free_aligned": TWICE,
    "double_free_empty": TWICE,
    "double_free_huge_aligned": TWICE,
    "double_free_in_another_thread": TWICE,
    "double_free_large": TWICE,
    "double_free_of_another_thread": TWICE,
    "double_free_page_aligned": TWICE,
    "double_free_with_others_between": TWICE,
    "free_after_realloc": TWICE,
    "realloc_to_zero_of_freed": TWICE,
    "realloc_freed": "realloc of ADDRESS, which was freed",
    "realloc_freed_large": "realloc of ADDRESS, which was freed",
    "realloc_freed_smaller": "realloc of ADDRESS, which was freed",
    "realloc_inside": "realloc of ADDRESS, where no block begins",
    "realloc_stack": "realloc of ADDRESS, where no block begins",
    "double_free_mid": TWICE,
    "free_before": NO_BLOCK,
    "free_behind": NO_BLOCK,
    "free_impossible_address": NO_BLOCK,
    "free_inside": NO_BLOCK,
    "free_inside_by_a_byte": NO_BLOCK,
    "free_inside_large": NO_BLOCK,
    "free_inside_mid": NO_BLOCK,
    "free_small_number": NO_BLOCK,
    "free_stack": NO_BLOCK,
    "free_static": NO_BLOCK,
    "delete_of_another_size": "delete of ADDRESS as of 48 bytes",
    "delete_with_alignment": "delete of ADDRESS with an alignment of 64 instead of 16",
    "malloc_and_delete": "ADDRESS was given to operator delete",
    "new_array_and_delete": "ADDRESS was given to operator delete",
    "memalign_and_delete": "ADDRESS was given to operator delete",
    "new_array_and_free": "ADDRESS was given to free",
    "new_array_and_realloc": "ADDRESS was given to realloc",
    "overflow": BEHIND,
    "overflow_aligned": BEHIND,
    "overflow_asked_for": BEHIND,
    "overflow_by_a_string_end": BEHIND,
    "overflow_by_many": BEHIND,
    "overflow_calloc": BEHIND,
    "overflow_empty": BEHIND,
    "overflow_large": BEHIND,
    "overflow_mid": BEHIND,
    "overflow_new": BEHIND,
    "overflow_noticed_by_realloc": BEHIND,
    "overflow_page_aligned": BEHIND,
    "underflow_large": "write in front of a block",
    "write_after_free_and_reuse": "write to a block that was freed",
    "overwrite_all_links": "write to a block that was freed",
}


def harden(kind, options=""):
    return run_subject(LIBRARY, SUBJECT, kind, TARN="harden" + options)


for kind, begin in FOUND.items():
    result = harden(kind)
    lines = re.sub("0x[0-9a-f]+", "ADDRESS", result.stderr).splitlines()
    expect(result.returncode == STOPPED and len(lines) == 1 and
           lines[0].startswith(f"tarn: harden: {begin}") and "in misuse_subject, process " in lines[0],
           f"one line of {kind}", result)
    expect("taken over" not in result.stdout, "no pointer of an attacker's", result)

for kind, options, said in (
    ("nothing", "", "goes on\n"),
    ("calloc_stays_zero", "", "all zero\ngoes on\n"),
    ("usable_size_is_what_was_asked_for", "", "all right\ngoes on\n"),
    ("read_after_free_finds_zeros", "", "cleared\ngoes on\n"),
    ("read_after_free_finds_zeros", ",zero=off", "still there\ngoes on\n"),
    ("new_blocks_are_zeros", ",zero=alloc", "cleared\ngoes on\n"),
    ("new_blocks_are_zeros", ",zero=off", "still there\ngoes on\n"),
    ("growth_in_place_shows_nothing", "", "nothing\ngoes on\n"),
    ("new_array_and_free", ",mismatch=off", "goes on\n"),
):
    result = harden(kind, options)
    expect((result.returncode, result.stderr + result.stdout) == (0, said),
           f"{said!r} of {kind}{options}", result)

# Without pools each block has a mapping.
result = harden("double_free", ",pools=off")
expect(result.returncode == STOPPED and "tarn: harden: double free" in result.stderr, "no pools",
       result)

result = harden("overflow", ",on_error=continue")
expect((result.returncode, result.stdout, result.stderr.count("\n")) == (99, "goes on\n", 1),
       "the program goes on", result)

least = int(re.match(r"at least (\d+) others", harden("reuse_takes_time").stdout).group(1))
expect(least >= 16, "half of those that wait", least)

runs = [harden("addresses").stdout.split("\n")[0].split() for _ in range(4)]
expect(len({tuple(run) for run in runs}) > 2, "another order each time", runs)
expect(all(sorted(map(int, run)) != list(map(int, run)) for run in runs), "no ascending one", runs)

result = harden("write_to_the_end_of_a_slab")
expect(result.returncode == -signal.SIGSEGV, "nobody can write from slab to slab", result)

# Together with what needs more of each block, there is all that that says.
for options in ",debug", ",leaks":
    result = harden("double_free", options)
    expect(result.returncode != 0 and len(reports(result.stderr)) == 1, f"a report with {options}",
           result)
    expect("ms ago" not in result.stderr or options == ",debug", "no time that is not known", result)
