#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: leak reports and traces of a program are the same when its blocks are checked, in
# whatever way.

import re
import sys

from reports import expect, run

LIBRARY = sys.argv[1]

PROGRAM = ["-e", "my $lost; $lost = \\$lost; my @kept = map { [1 .. $_] } 1 .. 50; print 'done'"]

OF_MODE = {"leaks": "leaks_exitcode=0", "trace": "trace_file=/dev/null"}


def told(mode):
    """What a report says, without what differs from run to run: processes, addresses, times, the
    memory of the trace itself, names of files."""
    options = f"{mode},{OF_MODE[mode.split(',')[-1]]},symbolizer=/nowhere"
    # Of the same length each time: perl copies its environment.
    result = run(LIBRARY, "/usr/bin/perl", *PROGRAM, PERL_HASH_SEED="0",
                 TARN=options.ljust(100, "/"))
    expect(result.returncode == 0 and result.stdout == "done", f"perl to end well with {mode}",
           result)
    text = re.sub(r"==\d+==|0x[0-9a-f]+|\d+ ms after the start|the trace itself took .*", "",
                  result.stderr)
    text = re.sub(r"\d+\.\d+%|\S*tarn\.\S+|nowhere/*", "", text)
    # What a pointer into a block is worth, what lies in the block says (tracer/interior_pointers.h),
    # also where perl has not written yet: with checks that is something else.
    either = re.compile(r"(?:possibly lost|still reachable): ([\d,]+) bytes in ([\d,]+) blocks")
    sums = [sum(int(number.replace(",", "")) for number in numbers)
            for numbers in zip(*either.findall(text))]
    text = re.sub(r".*(?:possibly lost|still reachable):.*\n", "", text) + f"\n{sums}"
    # Of a trace the totals: where its memory is and how fast it went differs.
    totals = re.findall(r".*(?:allocations of|at the end:|places allocate).*", text)
    return "\n".join(totals) if mode.endswith("trace") else text


for mode in OF_MODE:
    alone = told(mode)
    expect(mode == "trace" or alone.count("#0 ") > 5, f"stacks of {mode}", alone)
    expect(len(alone.splitlines()) >= 3, f"what {mode} has counted", alone)
    for checks in ("canary", "debug", "harden"):
        checked = told(f"{checks},{mode}")
        expect(checked == alone, f"with {checks},{mode} what {mode} alone says:\n{alone}", checked)
