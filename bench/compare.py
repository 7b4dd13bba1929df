#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# Runs the benchmarks under every allocator found on this machine and writes one report: tables,
# a picture and all samples. bench/README.md says how to run it fairly and how to read it.

import argparse
import datetime
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # the source tree stays clean

from harness import chart, micro, programs, report  # noqa: E402 (after the line above)
from harness.allocators import find_allocators
from harness.figures import Results
from harness.runner import Runner, RunFailed, allocator_options

BENCH = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = """examples:
  bench/compare.py --quick                           a first look, a few minutes
  bench/compare.py                                   everything, for the record (about 50 minutes)
  bench/compare.py --suite malloc --only pair        only pairs of malloc and free
  bench/compare.py --lib tarn-old=/tmp/libtarn.so    one more library, here an older build of ours
  bench/compare.py --env tarn:TARN=thp=off           an option for one of the allocators
"""


def parse_arguments():
    parser = argparse.ArgumentParser(
        description="Compares memory allocators: CPU time and peak memory.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--suite",
        choices=("all", "malloc", "workloads"),
        default="all",
        help="malloc: single operations; workloads: whole programs and memory over time",
    )
    parser.add_argument(
        "--only", metavar="REGEX", type=regex, default="", help="only tests whose name matches"
    )
    parser.add_argument(
        "--rounds",
        metavar="N",
        type=int,
        help="runs of each test per allocator (default 6, quick 1)",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="one round of shortened tests: shows what works, its figures are rough",
    )
    parser.add_argument(
        "--lib",
        metavar="NAME=PATH",
        action="append",
        default=[],
        help="one more library; names that begin with tarn are compared with the peers, not as one",
    )
    parser.add_argument(
        "--env",
        metavar="NAME:VARIABLE=VALUE",
        action="append",
        default=[],
        help="an environment variable for one allocator",
    )
    parser.add_argument(
        "--allocators",
        metavar="REGEX",
        type=regex,
        default="",
        help="only allocators whose name matches",
    )
    parser.add_argument(
        "--build",
        metavar="DIR",
        default=os.path.join(os.path.dirname(BENCH), "build"),
        help="the Meson build directory (default: build)",
    )
    parser.add_argument(
        "--out",
        metavar="PREFIX",
        help="write PREFIX.md, .svg and .json (default: bench/results/DATE-MACHINE; "
        "of a quick or partial run: DIR/bench/compare)",
    )
    arguments = parser.parse_args()
    arguments.build = os.path.abspath(arguments.build)
    arguments.rounds = arguments.rounds or (1 if arguments.quick else 6)
    return arguments


def regex(text):
    try:
        return re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"not a regular expression: {error}") from error


def choose_tests(arguments):
    tests = []
    if arguments.suite != "malloc":
        tests += programs.find_tests(arguments.build, 0.25 if arguments.quick else 1)
    if arguments.suite != "workloads":
        tests += micro.find_tests(arguments.build, arguments.quick)
    return [test for test in tests if arguments.only.search(test.name)]


def choose_allocators(arguments):
    notes = []
    found = find_allocators(arguments.build, arguments.lib, arguments.env, notes)
    for note in notes:
        print("note: " + note)
    chosen = [each for each in found if arguments.allocators.search(each.name)]
    # The references belong to suite `malloc`; they run programs only if asked for by name.
    for each in chosen:
        each.runs_programs = each.runs_programs or bool(arguments.allocators.pattern)
    return [each for each in chosen if each.runs_programs or arguments.suite != "workloads"]


def takes_part(test, allocator):
    return test.can_run(allocator) and (allocator.runs_programs or test.suite == "malloc")


def run_all(arguments, runner, results):
    """Round by round, so that a disturbance of some minutes hits one round of each test, not all
    rounds of one test. Within a round the allocators take turns in changing order."""
    start = time.monotonic()
    total = arguments.rounds * len(results.tests)
    for number in range(arguments.rounds):
        for at, test in enumerate(results.tests):
            line = run_test(runner, results, test, number)
            done = number * len(results.tests) + at + 1
            left = (time.monotonic() - start) / done * (total - done)
            print(
                f"[round {number + 1}/{arguments.rounds}, {at + 1:3}/{len(results.tests)}, "
                f"{format_duration(left)} left] {test.name:24} {line}",
                flush=True,
            )


def run_test(runner, results, test, number):
    allocators = [each for each in results.allocators if takes_part(test, each)]
    turn = number % max(1, len(allocators))
    shown = {}
    for allocator in allocators[turn:] + allocators[:turn]:
        if (test.name, allocator.name) in results.failures:
            shown[allocator.name] = "FAILED"
            continue
        try:
            sample = test.run(runner, allocator)
            if sample.output != results.outputs.setdefault(test.name, sample.output):
                raise RunFailed("its output differs from that under another allocator")
            results.add(test, allocator, number, sample)
            shown[allocator.name] = format_sample(test, sample)
        except (RunFailed, OSError, subprocess.SubprocessError) as error:
            results.fail(test, allocator, str(error).strip())
            shown[allocator.name] = "FAILED"
    return "  ".join(f"{each.name} {shown[each.name]}" for each in allocators)


def format_sample(test, sample):
    if test.suite == "malloc":
        return f"{report.nanoseconds(sample.cpu)} ns"
    if test.suite == "memory":
        return " ".join(f"{value:.2f}" for value in sample.figures.values())
    return f"{sample.cpu:.2f} s {sample.rss / report.MIB:.0f} MiB"


def format_duration(seconds):
    return f"{seconds / 60:.0f} min" if seconds > 90 else f"{seconds:.0f} s"


def describe_run(arguments):
    def read(path):
        try:
            with open(path, encoding="utf-8") as file:
                return file.read()
        except OSError:
            return ""

    model = re.search(r"model name\s*: (.*)", read("/proc/cpuinfo"))
    memory = re.search(r"MemTotal: *(\d+)", read("/proc/meminfo"))
    thp = re.search(r"\[(\w+)\]", read("/sys/kernel/mm/transparent_hugepage/enabled"))
    processor = model.group(1).strip() if model else platform.machine()
    about = {
        "date": datetime.datetime.now().strftime("%Y-%m-%d %H:%M"),
        "machine": f"{platform.node()}: {os.cpu_count()} x {processor}, "
        f"{int(memory.group(1)) >> 20 if memory else 0} GiB, Linux {platform.release()}, "
        f"huge pages: {thp.group(1) if thp else 'none'}",
        "command": "`" + shlex.join(["bench/compare.py", *sys.argv[1:]]) + "`",
        "rounds": f"{arguments.rounds}, interleaved"
        + (", shortened tests (--quick)" if arguments.quick else ""),
        "load before": f"{os.getloadavg()[0]:.2f}",
    }
    if allocator_options():
        about["options"] = " ".join(
            f"{name}={value}" for name, value in allocator_options().items()
        )
    return about


def write_report(arguments, about, results):
    # The folder of records is for complete runs.
    is_partial = arguments.quick or arguments.suite != "all" or arguments.only.pattern
    record = os.path.join(BENCH, "results", f"{about['date'][:10]}-{platform.node()}")
    partial = os.path.join(arguments.build, "bench", "compare")
    prefix = arguments.out or (partial if is_partial else record)
    os.makedirs(os.path.dirname(os.path.abspath(prefix)), exist_ok=True)
    report.write_json(prefix + ".json", about, results)
    text = report.make_report(about, results, os.path.basename(prefix) + ".svg")
    with open(prefix + ".md", "w", encoding="utf-8") as file:
        file.write(text)
    with open(prefix + ".svg", "w", encoding="utf-8") as file:
        file.write(chart.draw(about, results))
    print("\n" + text)
    print(f"Written: {prefix}.md, {prefix}.svg, {prefix}.json")


def main():
    arguments = parse_arguments()
    allocators, tests = choose_allocators(arguments), choose_tests(arguments)
    if not allocators or not tests:
        raise SystemExit("compare.py: nothing to do: no allocator or no test matches")
    about = describe_run(arguments)
    if float(about["load before"]) > 0.5:
        print(f"warning: load {about['load before']}: other programs run, figures will be noisy")
    names = ", ".join(each.name for each in allocators)
    print(f"{len(tests)} tests, {arguments.rounds} rounds, allocators: {names}")
    results = Results(allocators, tests)
    work = tempfile.mkdtemp(prefix="tarn-bench-")
    try:
        run_all(arguments, Runner(arguments.build, work, 120), results)
    except KeyboardInterrupt:
        about["rounds"] += ", interrupted"
        print("\ninterrupted: the report covers what was finished")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if results.samples:
        write_report(arguments, about, results)
    return 1 if results.failures else 0


if __name__ == "__main__":
    sys.exit(main())
