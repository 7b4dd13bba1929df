# SPDX-License-Identifier: MIT
#
# Suite `malloc`: the cases of bench_malloc, each run in a process of its own, so that no case
# finds the heap that another has left behind.

import json
import os
import re
import subprocess

# Times of single operations are the minimum of all samples; that of a difference is the median,
# because noise makes a difference smaller as easily as larger.
DIFFERENCES = {"thread/50_over_idle"}
# Shown, but neither compared nor counted in means.
BASELINES = {"thread/idle", *DIFFERENCES}


class MicroTest:
    suite = "malloc"
    purpose = ""

    def __init__(self, program, full_name, quick):
        self.program = program
        self.full_name = full_name
        self.name = re.sub(r"/(process_time|manual_time|iterations:\d+)", "", full_name)
        self.is_difference = self.name in DIFFERENCES
        self.is_baseline = self.name in BASELINES
        self.seconds, self.repetitions = ("0.01", 2) if quick else ("0.03", 3)

    def can_run(self, allocator):
        return allocator.name != "nop" or self.name.startswith("pair/")

    def run(self, runner, allocator):
        sample, output = runner.run(
            allocator,
            [
                self.program,
                f"--benchmark_filter=^{self.full_name}$",
                "--benchmark_format=json",
                f"--benchmark_min_time={self.seconds}",
                f"--benchmark_repetitions={self.repetitions}",
            ],
        )
        runs = [run for run in json.loads(output)["benchmarks"] if run["run_type"] == "iteration"]
        if self.is_difference:
            sample.cpu = sorted(run["nanoseconds"] for run in runs)[len(runs) // 2]
        else:
            sample.cpu = min(1e9 / run["items_per_second"] for run in runs)
        sample.output = ""
        return sample


def find_tests(build, quick):
    program = os.path.join(build, "bench", "malloc", "bench_malloc")
    if not os.access(program, os.X_OK):
        raise SystemExit(f"compare.py: {program} is not built: meson setup build && ninja -C build")
    names = subprocess.run(
        [program, "--benchmark_list_tests"], capture_output=True, text=True, check=True
    ).stdout
    return [MicroTest(program, name, quick) for name in names.split()]
