#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: canary, poison and quarantine each find what they are there for by themselves, without
# stacks, and nothing else.

import sys

from reports import expect, reports, run_subject, title

LIBRARY, SUBJECT = sys.argv[1:3]

OVERFLOW = "heap-buffer-overflow"
LATE = "heap-use-after-free"
DOUBLE = "attempting double-free"
BAD = "attempting free"
RESIZED = "attempting realloc of freed memory"
KIND = "alloc-dealloc-mismatch (operator new[] vs free)"

# Kind: what it is called by each of canary, poison=free, poison=alloc, quarantine.
FOUND = {
    "nothing": (None, None, None, None),
    "overflow": (OVERFLOW, None, None, None),
    "overflow_never_freed": (OVERFLOW, None, None, None),
    "overflow_large": (OVERFLOW, None, None, None),
    "underflow": (OVERFLOW, None, None, None),
    "write_after_free": (None, LATE, None, None),
    "write_after_free_mid": (None, LATE, None, None),
    "double_free": (DOUBLE,) * 4,
    "double_free_with_others_between": (DOUBLE,) * 4,
    "double_free_mid": (DOUBLE,) * 4,
    "double_free_large": (BAD, DOUBLE, BAD, DOUBLE),
    "free_inside": (BAD,) * 4,
    "free_stack": (BAD,) * 4,
    "realloc_freed": (RESIZED,) * 4,
    "new_array_and_free": (KIND,) * 4,
}

for kind, wanted in FOUND.items():
    for part, name in zip(("canary", "poison=free", "poison=alloc", "quarantine=1m"), wanted):
        result = run_subject(LIBRARY, SUBJECT, kind, TARN=part + ",symbolizer=/nowhere")
        found = [title(report) for report in reports(result.stderr)]
        expect(found == ([name] if name else []), f"of {kind} with {part}: {name}",
               f"{found} {result.stderr[-2000:]}")
        expect(result.returncode == (-6 if name else 0), f"the end of {kind} with {part}", result)
        expect(not found or "stack not known" in result.stderr or name == BAD,
               f"no stacks of blocks of {kind} with {part}", result.stderr)

# So many that there is no room to remember them: a line says that this is the end of reports.
result = run_subject(LIBRARY, SUBJECT, "free_many",
                     TARN="canary,on_error=continue,symbolizer=/nowhere")
line = "tarn: 256 different errors were reported; others are not told\n"
expect(len(reports(result.stderr)) == 256 and result.stderr.count(line) == 1 and
       result.stderr.endswith(line), "256 reports and a line", result.stderr[-500:])
expect(result.returncode == 99, "the status of misuse", result.returncode)
