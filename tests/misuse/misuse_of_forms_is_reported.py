#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: of all ways to get a block and to give it back, those that do not belong together are
# reported, with the reason, and no others.

import re
import sys

from reports import expect, reports, run_subject, title

LIBRARY, SUBJECT = sys.argv[1:3]


def of_name(name):
    """The kind of a form, and what it says of an alignment and of a size."""
    kind = ("operator new[]" if name.startswith("array") else
            "operator new" if name.startswith(("new", "delete")) else "malloc")
    alignment = 128 if "other_alignment" in name else 64 if "aligned" in name else 0
    size = {"delete_other_size": 104, "array_delete_other_size": 88}.get(name, 0)
    return kind, alignment, size


def wanted(way, back):
    """What is wrong with a pair; None: nothing."""
    kind, alignment, _ = of_name(way)
    given, given_alignment, size = of_name(back)
    if kind != given:
        back_name = back if given == "malloc" else given.replace("new", "delete")
        way_name = "memalign" if way == "memalign" else kind
        return f"alloc-dealloc-mismatch ({way_name} vs {back_name})"
    if kind == "malloc":
        return None
    if size:
        return f"allocated with 96, deleted as of {size} bytes"
    if alignment != given_alignment:
        return "allocated with {}, deleted with {}".format(
            *(f"an alignment of {value}" if value else "none"
              for value in (alignment, given_alignment)))
    return None


result = run_subject(LIBRARY, SUBJECT, "all_pairs_of_forms",
                     TARN="debug,on_error=continue,symbolizer=/nowhere")
expect(result.returncode == 99, "the end", result.stderr[-1000:])
pairs = re.split(r"^pair (\w+) (\w+)\n", result.stderr, flags=re.MULTILINE)[1:]
expect(len(pairs) == 12 * 17 * 3, "all pairs", len(pairs) // 3)
for way, back, text in zip(pairs[0::3], pairs[1::3], pairs[2::3]):
    found = reports(text)
    reason = wanted(way, back)
    if reason is None:
        expect(not found, f"nothing of {way} and {back}", text)
        continue
    expect(len(found) == 1, f"one report of {way} and {back}", text)
    expect(reason in title(found[0]) or reason in found[0].split("\n", 1)[0],
           f"of {way} and {back}: {reason}", found[0])
