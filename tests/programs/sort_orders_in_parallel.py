# SPDX-License-Identifier: MIT
"""sort with threads, a small buffer and temporary files."""

import random

import harness


def check(workdir):
    sort = harness.program("sort", "coreutils")
    numbers = random.Random(5)
    lines = [f"{numbers.randrange(10 ** 9)} {'y' * numbers.randrange(60)}" for _ in range(150000)]
    output = harness.preloaded([sort, "-n", "--parallel=2", "-S", "2M", "-T", workdir],
                               input="\n".join(lines).encode() + b"\n", env={"LC_ALL": "C"})
    wanted = sorted(lines, key=lambda line: (int(line.split(" ")[0]), line))
    harness.expect("sorted lines", output.decode().splitlines() == wanted, True)


harness.main(check)
