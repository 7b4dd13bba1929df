#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# What it costs to know who allocates: each program alone, under `TARN=trace` and under heaptrack's
# library, which writes its events to a file; one after the other, several times, the least of all.
# Only the process itself counts, neither naming the calls nor heaptrack's interpreter.

import argparse
import glob
import os
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True  # the source tree stays clean

from harness import inputs  # noqa: E402 (after the line above)
from harness.allocators import Allocator
from harness.runner import Runner

BENCH = os.path.dirname(os.path.abspath(__file__))
HEAPTRACK = ("/usr/lib/heaptrack/libheaptrack_preload.so", "/usr/lib/*/heaptrack/lib*preload.so")
MIB = 1 << 20


def find_tools(build, work, events):
    # Where no `tarn` command is beside it, for which the process would wait.
    tarn = shutil.copy(os.path.join(build, "preload", "libtarn.so"), os.path.realpath(work))
    libc = glob.glob("/usr/lib/*-linux-gnu*/libc.so.6")[0]
    trace = {"TARN": "trace,trace_file=/dev/null"}
    tools = [
        Allocator("glibc", os.path.realpath(libc), preload=False),
        Allocator("tarn", tarn, environment={"TARN": ""}),
        Allocator("trace", tarn, environment=trace),
    ]
    for path in sum((glob.glob(pattern) for pattern in HEAPTRACK), [])[:1]:
        environment = {"DUMP_HEAPTRACK_OUTPUT": events}
        tools.append(Allocator("heaptrack", os.path.realpath(path), environment=environment))
    return tools


def find_programs(build, work):
    def workload(name):
        return os.path.join(build, "bench", "workloads", name)

    compiler = [inputs.find_compiler_proper(), *"-quiet -O1 -std=c++20 -o /dev/null".split()]
    return {
        "deep_calls": [workload("deep_calls")],
        "deep_calls, outermost": [workload("deep_calls"), "1000000", "32"],
        "call_tree": [workload("call_tree")],
        "cc1plus": [*compiler, inputs.make_preprocessed(work)],
        "python3": ["/usr/bin/python3", os.path.join(inputs.SCRIPTS, "objects.py"), "3"],
    }


def measure(runner, tool, command, events):
    """Seconds of the process, peak RSS and the file of events in bytes."""
    sample, _ = runner.run(tool, command)
    size = os.path.getsize(events) if os.path.exists(events) else 0
    if size:
        os.remove(events)
    return sample.cpu, sample.rss, size


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=os.path.join(os.path.dirname(BENCH), "build"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="programs whose name has this in it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        events = os.path.join(work, "events")
        runner = Runner(os.path.abspath(options.build), work, 600)
        tools = find_tools(os.path.abspath(options.build), work, events)
        print("user and system seconds / peak RSS / file, MiB")
        print("| program |", " | ".join(tool.name for tool in tools), "|")
        print("|---" * (len(tools) + 1) + "|")
        for name, command in find_programs(os.path.abspath(options.build), work).items():
            if options.only not in name:
                continue
            rounds = [
                [measure(runner, tool, command, events) for tool in tools]
                for _ in range(options.rounds)
            ]
            best = [[min(column) for column in zip(*samples)] for samples in zip(*rounds)]
            cells = [f"{cpu:.2f} / {rss / MIB:.0f} / {size / MIB:.0f}" for cpu, rss, size in best]
            print(f"| {name} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
