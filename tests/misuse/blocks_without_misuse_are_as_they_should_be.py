#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: checks leave blocks as malloc promises them, but for what they are filled with; writes
# are noticed at every distance that a canary reaches.

import re
import sys

from reports import expect, reports, run_subject

LIBRARY, SUBJECT = sys.argv[1:3]


def run_with(options, kind):
    result = run_subject(LIBRARY, SUBJECT, kind, TARN=options + ",symbolizer=/nowhere")
    return result, result.stderr + result.stdout


for options in "debug", "canary", "poison", "quarantine=1m", "debug,poison_free=221,quarantine=64k":
    for kind, words in {"calloc_stays_zero": "all zero",
                        "usable_size_is_what_was_asked_for": "all right"}.items():
        result, text = run_with(options, kind)
        expect((result.returncode, text) == (0, f"{words}\ngoes on\n"), f"{words} of {kind}", text)

ZEROS = " 00" * 20
for options, new, freed in (
    ("debug", " a5" * 20, None),
    ("poison", " a5" * 20, None),
    ("poison,poison_alloc=204,poison_free=221", " cc" * 20, " dd" * 20),
    ("poison=alloc", " a5" * 20, ""),
    ("poison=free,poison_free=1", "", " 01" * 20),
    ("canary,quarantine=1m", "", ""),
):
    _, text = run_with(options, "show_new_and_freed")
    shown = dict(re.findall(r"^(\w+):((?: [0-9a-f]{2})+)$", text, re.MULTILINE))
    expect(shown["zeroed"] == ZEROS, f"zeros with {options}", text)
    expect(not new or shown["new"] == new, f"{new} with {options}", text)
    if freed is None:  # which block it was, in words that are no addresses
        words = bytes.fromhex(shown["freed"]).ljust(24, b"\0")
        expect(words[:8] == words[8:16] and words[7] == 0x5A and words[:4] == words[16:20],
               f"words with {options}", text)
    elif freed:
        expect(shown["freed"] == freed, f"{freed} with {options}", text)

result, text = run_with("debug,on_error=continue", "overflows_of_every_length")
said = re.findall(r"^(\w+): (.*noticed)$", text, re.MULTILINE)
expect(len(said) == 9 and all(words == "all noticed" for _, words in said),
       "writes noticed in nine families of blocks", said)

result, text = run_with("debug", "describe")
expect(result.returncode == 0 and not reports(text), "no report of a description", text)
expect(re.search(r"^tarn: 0x\w+ is located 3 bytes inside of 40-byte region .*\nallocated by thread "
                 r"T0 with malloc here:\n", text, re.MULTILINE), "the block", text)
expect(re.search(r"^tarn: 0x\w+ is located 0 bytes inside of 40-byte region .*\nfreed by thread T0 "
                 r"\d+ ms ago here:\n", text, re.MULTILINE), "the freed block", text)
expect(re.search(r"^tarn: 0x\w+ is in no block of the heap that is known\n", text, re.MULTILINE),
       "no block", text)
expect("1 1 0\n" in text, "1 1 0", text)
