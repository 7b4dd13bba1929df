#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: of two libraries that were loaded at the same address one after the other, each is named
# for its own calls, though nobody said that the first was unloaded.

import sys

from report import entries, expect, run

LIBRARY, SUBJECT, FIRST, SECOND = sys.argv[1:5]

result = run(LIBRARY, SUBJECT, FIRST, SECOND, TARN="leaks")
expect(result.stdout == "one place\n", "the second where the first was", result)
found = {size: calls for _, size, _, calls in entries(result.stderr)}
for size, name in (1111, "first"), (1113, "second"):
    first_call = found.get(size, "").split("\n")[0]
    expect(f" in {name} " in first_call, f"{name} as the place of {size} bytes", result.stderr)
