#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: a stack with the return addresses of the last one, in the same places, is not taken for it
# if a frame between them is another.

import sys

from report import entries, expect, run

LIBRARY, SUBJECT = sys.argv[1:3]
ROUNDS = 128

text = run(LIBRARY, SUBJECT, str(ROUNDS), TARN="leaks").stderr
found = [entry for entry in entries(text) if " in lose " in entry[3]]
detours = [entry for entry in found if " in by_a_detour " in entry[3]]
expect(sum(entry[2] for entry in found) == 2 * ROUNDS, f"{2 * ROUNDS} blocks", text)
expect(sum(entry[2] for entry in detours) == ROUNDS, f"{ROUNDS} by a detour", text)
expect(all(" in with_a_frame " in entry[3] and " in main " in entry[3] for entry in found),
       "whole stacks", text)
