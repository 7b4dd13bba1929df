#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# Runs the benchmarks of the allocator library in rounds and prints one table for all rows with the
# same arguments. Rows that begin with malloc_ are the malloc of the process: they are run under each
# allocator that is found, the others under glibc's.

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the source tree stays clean

from harness.allocators import find_allocators  # noqa: E402 (after the line above)
from harness.runner import Runner

BENCH = os.path.dirname(os.path.abspath(__file__))
SUBJECTS = (
    "arena",
    "claims",
    "frame",
    "mapped",
    "object",
    "page",
    "pool",
    "ring",
    "scratch",
    "threads",
    "wrapper",
)
ALLOCATORS = ("glibc", "mimalloc", "tarn")
# What Google Benchmark adds to a name that is no argument of the benchmark.
NO_ARGUMENTS = re.compile(r"/(process_time|real_time|iterations:\d+)")


def parse_arguments():
    parser = argparse.ArgumentParser(description="Measures the resources beside their rivals.")
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=", ".join(SUBJECTS))
    parser.add_argument("--only", metavar="REGEX", default="", help="only rows whose name matches")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each row (default 5)")
    parser.add_argument("--seconds", default="0.01", help="of each run at least (default 0.01)")
    parser.add_argument(
        "--to",
        metavar="ROW",
        help="medians of the ratios to this row within each round, instead of times",
    )
    parser.add_argument("--build", metavar="DIR", default=os.path.join(BENCH, "..", "build"))
    arguments = parser.parse_args()
    arguments.build = os.path.abspath(arguments.build)
    for subject in arguments.subjects:
        if subject not in SUBJECTS:
            parser.error(f"no subject {subject}: there are {', '.join(SUBJECTS)}")
    return arguments


def run(runner, allocator, arguments, subject):
    """Name of each row -> nanoseconds of one block, object or turn."""
    program = os.path.join(arguments.build, "bench", "resources", f"resources_{subject}_bench")
    if not os.access(program, os.X_OK):
        raise SystemExit(f"resources.py: {program} is not built")
    if allocator.name == "glibc":
        wanted = arguments.only or "."
    else:
        wanted = f"^malloc_.*(?:{arguments.only})" if arguments.only else "^malloc_"
    command = [program, "--benchmark_format=json", f"--benchmark_min_time={arguments.seconds}"]
    names = list_rows(program, wanted)
    if not names:
        return {}
    filters = "|".join(f"^{re.escape(name)}$" for name in names)
    _, output = runner.run(allocator, [*command, f"--benchmark_filter={filters}"])
    return {each["name"]: time_of(each) for each in json.loads(output)["benchmarks"]}


def list_rows(program, wanted):
    listed = subprocess.run(
        [program, "--benchmark_list_tests"], capture_output=True, text=True, check=True
    )
    return [name for name in listed.stdout.splitlines() if re.search(wanted, name)]


def time_of(benchmark):
    if "per_block" in benchmark:
        return benchmark["per_block"] * 1e9
    return benchmark["cpu_time"]  # in nanoseconds, as no benchmark has another unit


def collect(runner, allocators, arguments, subject):
    """(row, arguments) -> the time of each round."""
    times = {}
    for _ in range(arguments.rounds):
        for allocator in allocators:
            for name, time in run(runner, allocator, arguments, subject).items():
                row, _, case = NO_ARGUMENTS.sub("", name).partition("/")
                if row.startswith("malloc_"):
                    row += f" ({allocator.name})"
                times.setdefault((row, case), []).append(time)
    return times


def tables(times):
    """Lists of rows that have the same cases."""
    cases = {}
    for row, case in times:
        cases.setdefault(row, []).append(case)
    groups = {}
    for row, known in cases.items():
        groups.setdefault(tuple(known), []).append(row)
    return groups


def figure(times, row, case, reference):
    own = times[row, case]
    if reference is None:
        # Noise only adds, but to what threads do to each other.
        typical = statistics.median if "threads:" in case else min
        return f"{typical(own):.3g}"
    ratios = [time / other for time, other in zip(own, times[reference, case])]
    return f"{statistics.median(ratios):.2f}"


def show(subject, times, arguments):
    for cases, rows in tables(times).items():
        known = [row for row in rows if arguments.to and row.partition(" (")[0] == arguments.to]
        reference = known[0] if known else None
        unit = f"times {reference}" if reference else "ns"
        print(f"\n| {subject}, {unit} | " + " | ".join(case or "-" for case in cases) + " |")
        print("|---" * (len(cases) + 1) + "|")
        for row in rows:
            figures = (figure(times, row, case, reference) for case in cases)
            print(f"| {row} | " + " | ".join(figures) + " |")


def main():
    arguments = parse_arguments()
    notes = []
    found = find_allocators(arguments.build, [], [], notes)
    allocators = [each for each in found if each.name in ALLOCATORS]
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as work:
        runner = Runner(arguments.build, work, seconds=120)
        for subject in arguments.subjects or SUBJECTS:
            show(subject, collect(runner, allocators, arguments, subject), arguments)


if __name__ == "__main__":
    main()
