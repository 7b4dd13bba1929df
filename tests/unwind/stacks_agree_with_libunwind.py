#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: the stacks that the tracer finds are those that libunwind finds, call by call, in real
# programs, optimised and without frame pointers, and on every kind of stack.

import os
import re
import subprocess
import sys
import tempfile

REFERENCE, SUBJECT, PLUGIN, OTHER_PLUGIN, ROOT = sys.argv[1:6]

PYTHON = """
import json, re, decimal, threading
def work():
    assert len(json.dumps([{"a": i, "b": str(i)} for i in range(3000)])) > 10000
    decimal.Decimal(2).sqrt()
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""

SOURCE = """
#include <algorithm>
#include <map>
#include <string>
#include <vector>
std::map<std::string, std::vector<int>> numbers;
int main() { numbers["a"].push_back(1); std::sort(numbers["a"].begin(), numbers["a"].end()); }
"""

# Command, every how many stacks are compared, how many at least.
COMMANDS = [
    ([SUBJECT, PLUGIN, OTHER_PLUGIN], 1, 30),
    (["/usr/bin/python3", "-c", PYTHON], 7, 1000),
    (["/usr/bin/perl", "-e", "my %h; $h{$_ % 1000} = [1..3] for 1..50000; print scalar keys %h"],
     97, 300),
    (["/usr/bin/git", "-C", ROOT, "log", "--stat", "-3"], 1, 200),
    (["/usr/bin/sqlite3", ":memory:", "create table t(a); with recursive c(x) as (select 1 union all"
      " select x + 1 from c where x < 5000) insert into t select x from c; select sum(a) from t;"],
     7, 300),
    (["/usr/bin/gcc", "-x", "c++", "-O1", "-c", "-o", "/dev/null", "SOURCE"], 97, 1000),
    (["/usr/bin/clang++", "-O1", "-c", "-o", "/dev/null", "SOURCE"], 97, 1000),
    (["/usr/bin/bash", "-c", "for i in $(seq 50); do x=$(echo $i); done; echo $x"], 97, 100),
]

with tempfile.TemporaryDirectory() as directory:
    source = directory + "/source.cc"
    with open(source, "w", encoding="utf-8") as file:
        file.write(SOURCE)
    for command, every, least in COMMANDS:
        report = directory + "/report"
        command = [source if word == "SOURCE" else word for word in command]
        environment = {**os.environ, "LD_PRELOAD": REFERENCE, "UNWIND_REPORT": report,
                       "UNWIND_EVERY": str(every), "PYTHONMALLOC": "malloc"}
        result = subprocess.run(command, env=environment, capture_output=True, timeout=300,
                                check=False)
        with open(report, encoding="utf-8") as file:
            text = file.read()
        os.remove(report)
        counts = re.findall(r"^unwind: (\d+) stacks compared, (\d+) different", text, re.MULTILINE)
        compared = sum(int(count) for count, _ in counts)
        different = sum(int(count) for _, count in counts)
        print(f"{os.path.basename(command[0])}: {compared} compared, {different} different")
        if result.returncode != 0 or compared < least or different != 0:
            sys.exit(f"{command}: status {result.returncode}, {compared} of {least} compared, "
                     f"{different} different\n{text[:4000]}\n{result.stderr[-500:]}")
