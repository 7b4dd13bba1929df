#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: each block in use at exit is counted in the class that Valgrind would give it.

import sys

from report import blocks, expect, run_subject

LIBRARY, SUBJECT = sys.argv[1:3]

# Shape: blocks that are definitely, indirectly, possibly lost; what is reachable depends on libc.
SHAPES = {
    "nothing": (0, 0, 0),
    "block": (1, 0, 0),
    "many": (1000, 0, 0),
    "chain": (1, 2, 0),
    "ring": (1, 2, 0),
    "global": (0, 0, 0),
    "interior": (0, 0, 3),
    "both": (0, 0, 0),
    "freed_holder": (1, 0, 0),
    "mid": (1, 0, 0),
    "large": (1, 0, 0),
    "large_chain": (1, 1, 0),
    "large_global": (0, 0, 0),
    "grown": (1, 0, 0),
    "aligned": (1, 0, 0),
    "ended_thread": (1, 0, 0),
    "thread_stack": (0, 0, 0),
    "thread_that_blocks_signals": (0, 0, 0),
    "thread_in_sigwait": (0, 0, 0),
    "guard_page": (0, 0, 0),
    "thread_tls": (0, 0, 0),
    "own_tls": (0, 0, 0),
    "fiber": (0, 0, 0),
}
REACHABLE = {"thread_in_sigwait": 1, "guard_page": 1, "global": 3, "both": 2, "large_global": 2, "thread_stack": 1, "thread_tls": 1,
             "thread_that_blocks_signals": 1, "own_tls": 1, "fiber": 2}

fewest = blocks(run_subject(LIBRARY, SUBJECT, "nothing").stderr, "nothing")["reachable"]
for shape, (definite, indirect, possible) in SHAPES.items():
    result = run_subject(LIBRARY, SUBJECT, shape)
    seen = blocks(result.stderr, shape)
    # Of a thread that cannot be stopped, libc's block for its TLS is known by its middle only.
    unknown = 1 if shape in ("thread_that_blocks_signals", "thread_in_sigwait") else 0
    expect((seen["definite"], seen["indirect"]) == (definite, indirect) and
           possible <= seen["possible"] <= possible + unknown,
           f"{shape}: {definite} definitely, {indirect} indirectly, {possible} possibly lost",
           f"{seen}\n{result.stderr}")
    expect(seen["reachable"] >= fewest + REACHABLE.get(shape, 0),
           f"{shape}: {REACHABLE.get(shape, 0)} more than {fewest} still reachable", seen)
    expect("sigwait got" not in result.stderr, "no signal for the program", result.stderr)
    leaked = definite + indirect
    expect(result.returncode == (23 if leaked else 0),
           f"{shape}: exit status {23 if leaked else 0}", result.returncode)
    expect(result.stdout == "output of the program", "the program's output",
           repr(result.stdout))
