# SPDX-License-Identifier: MIT
"""clang-tidy over the sources of the product: clang_tidy.py BUILD, which clang has configured.

Most of its time goes to headers, so files of the same flags are read together, ten in one. What is
said of several may only be a name that two of them have: those it is said of are read again apart
from the others, and what is said of a file alone counts. Tests and benchmarks are left out: their
macros are not ours to mend.
"""

import collections
import concurrent.futures
import itertools
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

BATCH = 10
# A function's paths are followed this far; clang's own bound of 225 000 nodes takes three times the
# time and has never found more here.
ANALYZER = ["-Xclang", "-analyzer-config", "-Xclang", "max-nodes=50000"]
OURS = re.compile(r"(src|preload|tracer)/.*\.cc$")


def tidy(build, file, flags):
    command = ["clang-tidy", "--quiet", file, "--", *flags, *ANALYZER]
    result = subprocess.run(command, cwd=build, capture_output=True, text=True)
    # Without a finding it prints only how many there are in other people's headers.
    return "" if result.returncode == 0 else result.stdout + result.stderr


def flags_of(command):
    """Without the compiler and what it reads and writes."""
    words = [word for word in shlex.split(command) if word != "ccache"][1:]
    for option, values in (("-o", 1), ("-c", 1), ("-MF", 1), ("-MQ", 1), ("-MD", 0)):
        at = words.index(option)
        del words[at:at + 1 + values]
    return tuple(word for word in words if not re.fullmatch(r"-I.*\.p", word))


def batches(build, root):
    """(flags, files) of what is read together."""
    same = collections.defaultdict(list)
    for entry in json.loads((build / "compile_commands.json").read_text()):
        file = (build / entry["file"]).resolve()
        if OURS.match(os.path.relpath(file, root)):
            same[flags_of(entry["command"])].append(file)
    for flags, files in same.items():
        count = -(-len(files) // BATCH)
        # Each its share of all folders: files of one folder are likelier to share a name.
        yield from ((flags, files[first::count]) for first in range(count))


def joined(folder, number, files):
    """One source of them all; in the tree, where .clang-tidy is found. Also whose each line is."""
    source = folder / f"batch{number}.cc"
    texts = [file.read_text() for file in files]
    source.write_text("".join(texts))
    return source, [file for file, text in zip(files, texts) for _ in text.splitlines()]


def parts(files, source, owners, said):
    """Those that have errors apart from the others; halves, if all have, or a header."""
    lines = re.findall(rf"^{re.escape(str(source))}:(\d+):\d+: error: ", said, re.MULTILINE)
    blamed = {owners[int(line) - 1] for line in lines}
    if not blamed or len(blamed) == len(files):
        return files[::2], files[1::2]
    return sorted(blamed), [file for file in files if file not in blamed]


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    folder = build / "clang_tidy"
    folder.mkdir(exist_ok=True)

    numbers = itertools.count()

    def findings(job):
        flags, files = job
        if len(files) == 1:
            return tidy(build, files[0], flags)
        source, owners = joined(folder, next(numbers), files)
        said = tidy(build, source, flags)
        return said and "".join(findings((flags, some))
                                for some in parts(files, source, owners, said))

    jobs = list(batches(build, build.parent))
    if not jobs:
        sys.exit("clang_tidy.py: no source of ours in compile_commands.json")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = "".join(pool.map(findings, jobs))
    print(found, end="")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
