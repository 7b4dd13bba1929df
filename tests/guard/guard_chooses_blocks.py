#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: guard=size:N-M, site:ID and 1/N guard those blocks and no others; a site's number is the
# same in each run. What the limits do not allow goes without guards, which one line says. With
# on_error=continue a program goes on.

import re
import sys

from report import expect, run

LIBRARY, SUBJECT = sys.argv[1:3]


def stops(options, size=40, offset=40, action="read"):
    result = run(LIBRARY, SUBJECT, action, str(size), str(offset), TARN=options)
    expect(result.returncode in (0, -11), "an end by the fault or none", result)
    return result.returncode == -11


def site():
    text = run(LIBRARY, SUBJECT, "read", "40", "40", TARN="guard=all").stderr
    return re.search(r"\(site ([0-9a-f]{8})\)", text)[1]


SITE = site()
expect(site() == SITE, "the same number in the next run", SITE)
OTHER = f"{int(SITE, 16) ^ 1:08x}"
for options, wanted in (("guard=size:40", True), ("guard=size:17-39", False),
                        ("guard=size:41-1m", False), ("guard=size:32-64,guard_align=word", True),
                        (f"guard=site:{SITE}", True), (f"guard=site:{OTHER}", False),
                        ("guard=off", False), ("guard=1/1", True), ("guard=1/1000000000", False)):
    expect(stops(options) == wanted, f"{'a' if wanted else 'no'} stop with {options}", not wanted)

# Three of four in forty runs: far from none and from all. Forty times none is a chance of 1e-24.
caught = sum(stops("guard=1/2") for _ in range(40))
expect(0 < caught < 40, "some of the blocks with 1/2", caught)

result = run(LIBRARY, SUBJECT, "read", "40", "40", TARN="guard=all,guard_max=2")
expect(result.returncode == 0 and "blocks had no guards, for guard_max=2" in result.stderr,
       "a line about blocks without guards", repr(result))
result = run(LIBRARY, SUBJECT, "read", "5000", "5000", TARN="guard=all,guard_memory=4k")
expect("blocks had no guards" in result.stderr, "guard_memory to be a limit", repr(result.stderr))
expect(run(LIBRARY, SUBJECT, "read", "40", "39", TARN="guard=all").stderr == "", "no line", "one")

for action, size, offset in (("write", 40, 40), ("read", 40, 45), ("write_freed", 40, 3),
                             ("read_freed", 100_000, 0)):
    result = run(LIBRARY, SUBJECT, action, str(size), str(offset),
                 TARN="guard=all,on_error=continue")
    expect(result.stdout == "went on\n" and result.returncode == 99, f"{action} to go on", result)
    expect(result.stderr.count("ERROR: Addr") == 1, "one report", repr(result.stderr))
result = run(LIBRARY, SUBJECT, "read", "40", "40", TARN="guard=all,on_error=exit,exitcode=33")
expect(result.returncode == 33, "exit status 33", result.returncode)

for value in ("size:9-5", "site:xyz", "1/0", "sometimes", "size:"):
    result = run(LIBRARY, "/bin/true", TARN=f"guard={value}")
    expect(f"'{value}' is not a value of 'guard'" in result.stderr, f"a line about {value}",
           repr(result.stderr))
