# SPDX-License-Identifier: MIT
"""xz and zstd with several threads: large blocks, made and freed by different threads.

What the preloaded program packs is unpacked without the preload, and the reverse.
"""

import random

import harness


def data():
    numbers = random.Random(11)
    words = [numbers.randbytes(numbers.randrange(2, 30)) for _ in range(2000)]
    return b"".join(numbers.choices(words, k=250000)) + numbers.randbytes(500000)


def check(workdir):
    original = data()
    for name, package, options in (("xz", "xz-utils", ["-1", "-T2", "--block-size=1MiB"]),
                                   ("zstd", "zstd", ["-3", "-T2", "-q"]),
                                   ("zstd", "zstd", ["-12", "--long=24", "-q"])):
        tool = harness.program(name, package)
        packed = harness.preloaded([tool, *options, "-c"], input=original)
        shared = [word for word in options if word.startswith(("-T", "--long"))]
        unpack = [tool, "-d", "-c", *shared]
        harness.expect(f"{name} unpacked without the preload",
                       harness.plain(unpack, input=packed) == original, True)
        packed = harness.plain([tool, *options, "-c"], input=original)
        harness.expect(f"{name} unpacked under the preload",
                       harness.preloaded(unpack, input=packed) == original, True)


harness.main(check)
