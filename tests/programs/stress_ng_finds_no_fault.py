# SPDX-License-Identifier: MIT
"""stress-ng's malloc stressor: random sizes, contents verified, with threads, touch and trim."""

import re

import harness

STRESSORS = 2
OPERATIONS = 20000  # of all stressors together


def check(workdir):
    stress_ng = harness.program("stress-ng", "stress-ng")
    for extra in ([], ["--malloc-pthreads", "2", "--malloc-bytes", "4m"],
                  ["--malloc-touch", "--malloc-bytes", "256k", "--malloc-max", "1024"]):
        report = harness.preloaded(
            [stress_ng, "--malloc", str(STRESSORS), "--malloc-ops", str(OPERATIONS), "--verify",
             "--metrics-brief", "--log-brief", "--stdout", "--temp-path", workdir, *extra],
            cwd=workdir).decode()
        done = re.search(r"malloc +(\d+) ", report)
        harness.expect(f"operations done by --malloc {' '.join(extra)}",
                       done is not None and int(done[1]) >= OPERATIONS, True)


harness.main(check)
