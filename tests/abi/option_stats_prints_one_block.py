#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: TARN=stats prints one block at the end on stderr, with the figures a reader looks for,
# and leaves stdout and the exit status to the program.

import sys

from preload import expect, run_well

LIBRARY, SUBJECT = sys.argv[1:3]
WORDS = ["allocations", "frees", "live", "peak", "hit rate", "other threads", "slabs", "fallback",
         "page faults", "rss", "rounding", "caches", "metadata"]

for environment in {"TARN": "stats"}, {"TARN_STATS": "1"}, {"TARN": "verbose=off,stats=on"}:
    result = run_well(LIBRARY, SUBJECT, **environment)
    expect(result.stdout == "done\n", "the program's output only on stdout", repr(result.stdout))
    text = result.stderr.lower()
    for word in WORDS:
        expect(word in text, f"'{word}' in the block for {environment}", repr(result.stderr[:1500]))
    titles = [line for line in text.splitlines() if line.lstrip("=- ").startswith("tarn")]
    expect(len(titles) == 1, "one line that starts with 'tarn': one block", str(titles))
