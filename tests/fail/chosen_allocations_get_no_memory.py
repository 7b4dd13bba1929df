#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: fail= gives no memory to the allocations it names, and to no other; each is told once for
# each stack, with it; the same allocations fail each time.

import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "abi"))

from preload import expect, run  # noqa: E402  (found by way of the line above)

LIBRARY, SUBJECT = sys.argv[1:3]
TOLD = re.compile(r"^==\d+==tarn: fail: allocation (\d+), of (\d+) bytes? \(site ([0-9a-f]{8})\): "
                  r"no memory \(ENOMEM\)\n    #0 0x[0-9a-f]+ in .*?(\w+)\(", re.MULTILINE)
SUM = re.compile(r"^tarn: fail: (\d+) of (\d+) allocations of fail_subject got no memory$",
                 re.MULTILINE)


def fails(options, *arguments):
    """Status, [(number, size, function)] as told, and (failures, allocations); the last site."""
    result = run(LIBRARY, SUBJECT, *arguments, TARN=options)
    told = TOLD.findall(result.stderr)
    sums = [tuple(map(int, numbers)) for numbers in SUM.findall(result.stderr)]
    return (result.returncode, [(int(number), int(size), name) for number, size, _, name in told],
            sums, told[-1][2] if told else "")


# Each by its number. A program that ends in disorder has no last line.
expect(fails("fail=1")[:3] == (3, [(1, 100, "careful")], [(1, 2)]), "careful", fails("fail=1"))
expect(fails("fail=2")[:3] == (0, [(2, 200, "flexible")], [(1, 11)]), "flexible", fails("fail=2"))
expect(fails("fail=3")[:2] == (-signal.SIGSEGV, [(3, 300, "careless")]), "careless", fails("fail=3"))
expect(fails("fail=4")[0] == -signal.SIGABRT, "an exception", fails("fail=4"))
statuses = [fails(f"fail={number}")[0] for number in range(5, 12)]
expect(statuses == [4, 5, 4, 5, 6, 7, 0], "the subject's statuses", statuses)
expect(fails("fail=1000")[:3] == (0, [], [(0, 11)]), "no failure", fails("fail=1000"))
expect(fails("fail=10-20", "many")[:3] == (0, [(10, 200, "flexible")], [(11, 1001)]),
       "eleven, told once", fails("fail=10-20", "many"))

# With checks, and with traces, they are the same ones.
for mode in "debug", "guard=all", "leaks,leaks_exitcode=0", "trace,trace_file=/dev/null", "pools=off":
    expect(fails(f"fail=2,{mode}")[:2] == (0, [(2, 200, "flexible")]), f"flexible with {mode}",
           fails(f"fail=2,{mode}"))
    statuses = [fails(f"fail={number},{mode}")[0] for number in range(5, 11)]
    expect(statuses == [4, 5, 4, 5, 6, 7], f"the subject's statuses with {mode}", statuses)

# By place: the number that was told finds it again, in whichever order it comes.
site = fails("fail=1", "_exit")[3]
expect(fails(f"fail=site:{site}", "_exit")[:2] == (-signal.SIGSEGV, [(1, 300, "careless")]),
       "careless by its site", fails(f"fail=site:{site}", "_exit"))
once = fails("fail=each-site", "many")
expect(once[2] == [(2, 1001)] and [size for _, size, _ in once[1]][0] == 200, "once at each place",
       once)

# By chance: as often as was asked for, the same each time, others with another seed.
status, told, [(failed, of)], _ = fails("fail=rate=0.1", "many", "20000")
# Binomial with n = 20000, p = 0.1: sigma is 42; six of these.
expect(abs(failed - 2000) < 6 * 42 and of == 20001, "2000 of 20001", (failed, of))
expect(fails("fail=rate=10%", "many", "20000")[1:3] == (told, [(failed, of)]), "the same", failed)
other = fails("fail=rate=0.1,fail_seed=2", "many", "20000")
expect(other[1][0][0] != told[0][0] or other[2] != [(failed, of)], "others", other)

# Threads: as many as were asked for, whoever they hit.
status, told, [(failed, of)], _ = fails("fail=100-149", "threads")
expect(failed == 50, "50 failures", failed)

# A limit for each: refused, told once for a stack, and the status says so.
result = run(LIBRARY, SUBJECT, "all", TARN="max_alloc=1m")
expect(result.returncode == 99 and "of 3000000 bytes" in result.stderr and
       "is larger than 1048576 bytes: no memory (ENOMEM)" in result.stderr, "a refusal",
       (result.returncode, result.stderr))
result = run(LIBRARY, SUBJECT, "many", TARN="max_alloc=1m")
expect((result.returncode, result.stderr) == (0, ""), "nothing", result.stderr)

for value in "0", "3-2", "rate=2", "sometimes", "site:xyz":
    result = run(LIBRARY, SUBJECT, "many", "1", TARN=f"fail={value}")
    expect(f"'{value}' is not a value of 'fail'" in result.stderr, f"a line about {value}",
           result.stderr)
