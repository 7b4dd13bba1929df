#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: real programs run as before under a trace, and its totals are those that the allocator
# counts by itself.

import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "abi"))

from preload import expect, run  # noqa: E402  (found by way of the line above)
from profile import Profile  # noqa: E402

LIBRARY, ROOT = sys.argv[1:3]

PYTHON = """
import json, threading
def work(n): return len(json.dumps([{"a": i, "b": [str(i)] * 3} for i in range(n)]))
threads = [threading.Thread(target=work, args=(2000,)) for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(work(3000))
"""

with tempfile.TemporaryDirectory() as directory:
    source = directory + "/source.cc"
    with open(source, "w", encoding="utf-8") as file:
        file.write("#include <map>\n#include <string>\nstd::map<std::string, int> numbers;\n"
                   "int main() { return numbers[\"a\"]; }\n")
    for command in (["/usr/bin/python3", "-c", PYTHON],
                    ["/usr/bin/git", "-C", ROOT, "log", "--stat", "-3"],
                    ["/usr/bin/gcc", "-x", "c++", "-O1", "-c", "-o", directory + "/object", source],
                    ["/usr/bin/perl", "-e", "my %h; $h{$_ % 99} = [1..3] for 1..9999; print 1"]):
        options = (f"trace,children=off,trace_file={directory}/%p.pb.gz,"
                   f"stats_json={directory}/%p.json,log={directory}/%p.txt")
        plain = run(LIBRARY, *command, PYTHONMALLOC="malloc", timeout=120)
        result = run(LIBRARY, *command, PYTHONMALLOC="malloc", TARN=options, timeout=120)
        expect((result.returncode, result.stdout) == (plain.returncode, plain.stdout),
               f"{command[0]} to do the same", f"{result.returncode} {result.stderr[-300:]}")
        checked = 0
        for name in os.listdir(directory):
            if not name.endswith(".json"):
                continue
            with open(f"{directory}/{name}", encoding="utf-8") as file:
                counted = json.load(file)
            process = name.removesuffix(".json")
            profile = Profile(f"{directory}/{process}.pb.gz")
            seen = profile.total("alloc_objects")
            # A realloc that finds room where the block is counts as one for the program only.
            wanted = counted["allocations"]
            expect(wanted <= seen <= wanted * 1.1 + 20,
                   f"{wanted} allocations of {command[0]} {process}", seen)
            live = profile.total("inuse_objects")
            wanted = counted["allocations"] - counted["frees"]
            expect(live == wanted, f"{wanted} live blocks of {command[0]}", live)
            checked += 1
            for suffix in ".json", ".pb.gz", ".txt":
                os.remove(f"{directory}/{process}{suffix}")
        expect(checked != 0, f"profiles of {command[0]}", os.listdir(directory))
